#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

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

/// The files of a set, built into a pool in their order.
inline std::vector<const google::protobuf::FileDescriptor*> build(
    google::protobuf::DescriptorPool& pool, const google::protobuf::FileDescriptorSet& set) {
  std::vector<const google::protobuf::FileDescriptor*> files;
  for (const google::protobuf::FileDescriptorProto& file : set.file()) {
    files.push_back(pool.BuildFile(file));
    REQUIRE(files.back() != nullptr);
  }
  REQUIRE_FALSE(files.empty());
  return files;
}

}  // namespace ringtrace::testing
