#pragma once

#include <google/protobuf/descriptor.pb.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/temporary_directory.h"

namespace ringtrace::testing {

inline google::protobuf::FileDescriptorSet read_set(const std::filesystem::path& path) {
  google::protobuf::FileDescriptorSet set;
  std::ifstream in(path, std::ios::binary);
  REQUIRE(set.ParseFromIstream(&in));
  return set;
}

/// A file of that text and path, and what it imports, through protoc as in the build; its own file is the
/// last.
inline google::protobuf::FileDescriptorSet compile(const std::string& text, const std::string& path) {
  const test::TemporaryDirectory directory;
  const std::filesystem::path source = directory.path() / path;
  std::filesystem::create_directories(source.parent_path());
  std::ofstream(source) << text;
  const std::filesystem::path out = directory.path() / "set";
  const std::string command =
      std::string(RINGTRACE_PROTOC) + " -I " + directory.path().string() +
      " --include_imports --include_source_info --descriptor_set_out=" + out.string() + " " + path;
  REQUIRE(std::system(command.c_str()) == 0);
  return read_set(out);
}

}  // namespace ringtrace::testing
