#include "gateway/record_file.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <vector>

#include "tests/temporary_directory.h"

namespace ringtrace::gateway {
namespace {

using Records = std::vector<std::string>;

std::unique_ptr<RecordFile> open_file(const std::filesystem::path& path, std::uint64_t max_bytes = 1 << 20) {
  std::string problem;
  auto file = RecordFile::open(path, max_bytes, problem);
  INFO(problem);
  REQUIRE(file != nullptr);
  return file;
}

Records records_of(const RecordFile& file) {
  Records records;
  for (std::uint64_t offset = file.begin(); auto record = file.read(offset);) records.push_back(*record);
  return records;
}

void cut_to(const std::filesystem::path& path, std::uint64_t size) {
  std::filesystem::resize_file(path, size);
}

/// "one", "two" and "three"; the place of "two".
std::uint64_t append_three(RecordFile& file) {
  REQUIRE(file.append("one"));
  const std::uint64_t place = file.end();
  REQUIRE(file.append("two"));
  REQUIRE(file.append("three"));
  return place;
}

}  // namespace

TEST_CASE("records are there again after the file was closed, in order") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "records";
  const std::string binary("\0\xff\n\r", 4);
  {
    const auto file = open_file(path);
    CHECK(file->empty());
    REQUIRE(file->append("one"));
    REQUIRE(file->append(binary));
  }
  const auto file = open_file(path);
  CHECK(file->torn_bytes() == 0);
  REQUIRE(file->append("three"));
  CHECK(records_of(*file) == Records{"one", binary, "three"});
  file->clear();
  CHECK(file->empty());
  REQUIRE(file->append("four"));
  CHECK(records_of(*file) == Records{"four"});
}

TEST_CASE("wherever a crash cuts the file, every whole record before is kept and nothing else") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "records";
  const auto copy = directory.path() / "copy";
  std::vector<std::uint64_t> ends;
  {
    const auto file = open_file(path);
    ends.push_back(file->end());
    for (const char* record : {"first", "the second one", "third"}) {
      REQUIRE(file->append(record));
      ends.push_back(file->end());
    }
  }
  const Records all = {"first", "the second one", "third"};
  for (std::uint64_t size = 0; size <= ends.back(); ++size) {
    std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
    cut_to(copy, size);
    const auto file = open_file(copy);
    const auto whole =
        static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), size) - ends.begin());
    const std::size_t kept = whole == 0 ? 0 : whole - 1;
    INFO("cut to " << size);
    CHECK(records_of(*file) == Records(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept)));
    // And it goes on from there.
    REQUIRE(file->append("next"));
    CHECK(records_of(*file).back() == "next");
    CHECK(records_of(*file).size() == kept + 1);
  }
}

TEST_CASE("a garbled record ends the file: nothing that is no record is read") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "records";
  std::uint64_t second = 0;
  {
    const auto file = open_file(path);
    REQUIRE(file->append("first"));
    second = file->end();
    REQUIRE(file->append("second"));
  }
  {
    std::fstream bytes(path, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(second) + 10);
    bytes.put('X');
  }
  const auto file = open_file(path);
  CHECK(records_of(*file) == Records{"first"});
  CHECK(file->torn_bytes() == 8 + 6);
}

TEST_CASE("a record that does not fit changes nothing") {
  const test::TemporaryDirectory directory;
  const auto file = open_file(directory.path() / "records", 8 + 2 * (8 + 4));
  CHECK(file->append("1234"));
  CHECK_FALSE(file->append("12345"));
  CHECK(file->append("5678"));
  CHECK_FALSE(file->append("9"));
  CHECK_FALSE(file->append(""));
  CHECK(records_of(*file) == Records{"1234", "5678"});
}

TEST_CASE("one process has the file, and other files are left alone") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "records";
  std::string problem;
  {
    const auto file = open_file(path);
    CHECK(RecordFile::open(path, 1 << 20, problem) == nullptr);
    CHECK(problem.find("another process has it open") != std::string::npos);
  }
  std::ofstream(path, std::ios::trunc) << "something else entirely";
  CHECK(RecordFile::open(path, 1 << 20, problem) == nullptr);
  CHECK(problem.find("not one of ours") != std::string::npos);
  CHECK(RecordFile::open(directory.path() / "no" / "such", 1 << 20, problem) == nullptr);
}

TEST_CASE("records are changed all at once, and a place moves with what it stands before") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "records";
  auto file = open_file(path);
  std::uint64_t place = append_three(*file);
  std::uint64_t end = file->end();
  const auto longer = [](const std::string& record) { return record + "-and-more"; };
  REQUIRE(file->rewrite(longer, place));
  CHECK(records_of(*file) == Records{"one-and-more", "two-and-more", "three-and-more"});
  CHECK(file->read(place) == "two-and-more");
  end = file->end();
  REQUIRE(file->rewrite([](const std::string&) { return std::string("x"); }, end));
  CHECK(end == file->end());
  REQUIRE(file->append("four"));
  // Another process still finds it locked.
  std::string problem;
  CHECK(RecordFile::open(path, 1 << 20, problem) == nullptr);
  file.reset();
  CHECK(records_of(*open_file(path)) == Records{"x", "x", "x", "four"});
}

TEST_CASE("records before a place are removed, and a place moves with what it stands before") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "records";
  auto file = open_file(path);
  std::uint64_t place = append_three(*file);
  REQUIRE(file->forget_before(place));
  CHECK(place == file->begin());
  CHECK(records_of(*file) == Records{"two", "three"});
  place = file->end();
  REQUIRE(file->forget_before(place));
  CHECK(file->empty());
  CHECK(place == file->end());
  REQUIRE(file->append("four"));
  file.reset();
  CHECK(records_of(*open_file(path)) == Records{"four"});
}

TEST_CASE("a change that cannot be written changes nothing, and what a kill left of one is gone") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "records";
  const auto half = directory.path() / "records.new";
  std::ofstream(half) << "half";
  const auto file = open_file(path, 40);
  CHECK_FALSE(std::filesystem::exists(half));
  REQUIRE(file->append("one"));
  std::uint64_t place = file->end();
  CHECK_FALSE(file->rewrite([](const std::string&) { return std::string(100, 'x'); }, place));
  CHECK(place == file->end());
  CHECK(records_of(*file) == Records{"one"});
  CHECK_FALSE(std::filesystem::exists(half));
}

TEST_CASE("of records written together as many are kept as fit, the first ones") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "records";
  const Records many = {"one", "two", std::string(100, 'x'), "four"};
  {
    const auto file = open_file(path, 64);
    CHECK(file->append(many) == 2);
    CHECK(file->append(Records{}) == 0);
    CHECK(records_of(*file) == Records{"one", "two"});
    CHECK(file->end() - file->begin() == RecordFile::size_of("one") + RecordFile::size_of("two"));
  }
  CHECK(records_of(*open_file(path)) == Records{"one", "two"});
}

}  // namespace ringtrace::gateway
