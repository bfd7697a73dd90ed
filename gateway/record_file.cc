#include "gateway/record_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/crc.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace ringtrace::gateway {
namespace {

// What the file begins with; the last character is the version of its format.
constexpr std::string_view kMagic = "rtrecs-1";
// Before each record: its length and its CRC-32, little-endian.
constexpr std::size_t kPrefix = 8;

void put32(char* to, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<char>(value >> (8 * i) & 0xFFU);
}

std::uint32_t get32(const char* from) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(from[i])} << (8 * i);
  return value;
}

std::uint32_t checksum(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

bool read_whole(int file, char* to, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = pread(file, to + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

bool write_whole(int file, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

/// Where a file is written anew before it takes the other's place.
std::filesystem::path beside(std::filesystem::path path) { return path += ".new"; }

std::string because(const std::filesystem::path& path, int error) {
  return path.string() + ": " + std::system_category().message(error);
}

}  // namespace

std::unique_ptr<RecordFile> RecordFile::open(const std::filesystem::path& path, std::uint64_t max_bytes,
                                             std::string& problem) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) {
    problem = because(path, errno);
    return nullptr;
  }
  std::unique_ptr<RecordFile> opened(new RecordFile(file, path, max_bytes));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    problem = path.string() + ": another process has it open";
    return nullptr;
  }
  if (!opened->recover(problem)) {
    problem = path.string() + ": " + problem;
    return nullptr;
  }
  unlink(beside(path).c_str());  // of a process that was killed while it wrote
  return opened;
}

RecordFile::~RecordFile() { close(file_); }

std::uint64_t RecordFile::begin() const { return kMagic.size(); }

bool RecordFile::recover(std::string& problem) {
  struct stat status {};
  if (fstat(file_, &status) != 0) {
    problem = std::system_category().message(errno);
    return false;
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  std::array<char, kMagic.size()> magic{};
  if (size >= kMagic.size()) {
    if (!read_whole(file_, magic.data(), magic.size(), 0) ||
        std::string_view(magic.data(), magic.size()) != kMagic) {
      problem = "it is not one of ours";
      return false;
    }
    end_ = begin();
    while (read_before(end_, size)) {
    }
  } else if (!write_whole(file_, kMagic, 0)) {
    problem = std::system_category().message(errno);
    return false;
  } else {
    end_ = begin();
  }
  if (size <= end_) return true;
  torn_bytes_ = size - end_;
  if (ftruncate(file_, static_cast<off_t>(end_)) == 0) return true;
  problem = std::system_category().message(errno);
  return false;
}

std::size_t RecordFile::size_of(std::string_view record) { return kPrefix + record.size(); }

bool RecordFile::append(std::string_view record) {
  const std::string one(record);
  return append(std::span(&one, 1)) == 1;
}

std::size_t RecordFile::append(std::span<const std::string> records) {
  std::string bytes;
  std::size_t count = 0;
  for (; count < records.size(); ++count) {
    const std::string& record = records[count];
    if (record.empty() || record.size() > kMaxRecord) break;
    if (end_ + bytes.size() + kPrefix + record.size() > max_bytes_) break;
    char prefix[kPrefix];
    put32(prefix, static_cast<std::uint32_t>(record.size()));
    put32(prefix + 4, checksum(record));
    bytes.append(prefix, kPrefix).append(record);
  }
  if (count == 0) return 0;
  if (!write_whole(file_, bytes, end_)) {
    // What was written in part is no record; the next one is written over it.
    static_cast<void>(ftruncate(file_, static_cast<off_t>(end_)) == 0);
    return 0;
  }
  end_ += bytes.size();
  return count;
}

std::optional<std::string> RecordFile::read(std::uint64_t& offset) const { return read_before(offset, end_); }

std::optional<std::string> RecordFile::read_before(std::uint64_t& offset, std::uint64_t limit) const {
  std::array<char, kPrefix> prefix{};
  if (offset + kPrefix > limit || !read_whole(file_, prefix.data(), prefix.size(), offset))
    return std::nullopt;
  const std::size_t size = get32(prefix.data());
  if (size == 0 || size > kMaxRecord || offset + kPrefix + size > limit) return std::nullopt;
  std::string record(size, '\0');
  if (!read_whole(file_, record.data(), size, offset + kPrefix)) return std::nullopt;
  if (checksum(record) != get32(prefix.data() + 4)) return std::nullopt;
  offset += kPrefix + size;
  return record;
}

bool RecordFile::rewrite(const std::function<std::string(std::string)>& change, std::uint64_t& place) {
  return rewrite_from(begin(), change, place);
}

bool RecordFile::forget_before(std::uint64_t& place) {
  return rewrite_from(
      place, [](std::string record) { return record; }, place);
}

bool RecordFile::rewrite_from(std::uint64_t from, const std::function<std::string(std::string)>& change,
                              std::uint64_t& place) {
  const std::filesystem::path path = beside(path_);
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return false;
  RecordFile fresh(file, path, max_bytes_);
  std::uint64_t fresh_place = fresh.begin();
  bool whole = flock(file, LOCK_EX | LOCK_NB) == 0 && write_whole(file, kMagic, 0);
  fresh.end_ = fresh.begin();
  for (std::uint64_t offset = from; whole && offset < end_;) {
    if (offset == place) fresh_place = fresh.end_;
    auto record = read(offset);
    whole = record && fresh.append(change(std::move(*record)));
  }
  if (place == end_) fresh_place = fresh.end_;
  if (!whole || rename(path.c_str(), path_.c_str()) != 0) {
    unlink(path.c_str());
    return false;
  }
  std::swap(file_, fresh.file_);
  end_ = fresh.end_;
  place = fresh_place;
  return true;
}

void RecordFile::clear() {
  if (ftruncate(file_, static_cast<off_t>(begin())) == 0) end_ = begin();
}

}  // namespace ringtrace::gateway
