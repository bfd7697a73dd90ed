#include "gateway/name_file.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/temporary_directory.h"

namespace ringtrace::gateway {
namespace {

sip::Place place(const char* endpoint) { return {*sip::Endpoint::parse(endpoint), 10, 5}; }

const NameFile::Names kNames = {
    {{sip::Transport::kUdp, "pbx.example", 0}, {place("198.51.100.1:5060"), place("[2001:db8::1]:5062")}},
    {{sip::Transport::kTls, "pbx.example", 5062}, {place("198.51.100.2:5062")}}};

}  // namespace

TEST_CASE("what names led to is read back, and replaced when they lead elsewhere") {
  const test::TemporaryDirectory directory;
  const std::string state = directory.path().string();
  CHECK(NameFile(state).read().empty());
  NameFile file(state);
  CHECK(file.keep(kNames));
  CHECK(NameFile(state).read() == kNames);

  NameFile::Names moved = kNames;
  moved.begin()->second = {place("198.51.100.9:5060")};
  CHECK(file.keep(moved));
  CHECK(NameFile(state).read() == moved);
  CHECK(file.keep({}));
  CHECK(NameFile(state).read().empty());
}

TEST_CASE("lines that cannot be read are left out") {
  const test::TemporaryDirectory directory;
  std::ofstream(directory.path() / "sip-names")
      << "udp:pbx.example 10\n\nfax:pbx.example 10 5 198.51.100.1:5060\nudp:pbx.example 10 5 nowhere\n"
         "udp:pbx.example x 5 198.51.100.1:5060\nudp:pbx.example 10 5 198.51.100.1:5060\n";
  const auto names = NameFile(directory.path().string()).read();
  REQUIRE(names.size() == 1);
  CHECK(names.begin()->second == std::vector<sip::Place>{place("198.51.100.1:5060")});
}

TEST_CASE("without a state directory nothing is kept, and a disk that refuses is told") {
  CHECK(NameFile("").keep(kNames));
  CHECK_FALSE(NameFile("/nonexistent").keep(kNames));
}

}  // namespace ringtrace::gateway
