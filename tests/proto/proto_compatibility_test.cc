#include "tests/proto/proto_compatibility.h"

#include <google/protobuf/descriptor.pb.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/proto/protoc.h"

namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using ringtrace::proto_compatibility::breaks;
using ringtrace::testing::build;
using ringtrace::testing::compile;
using ringtrace::testing::read_set;

constexpr const char* kPublished = R"(syntax = "proto3";
package shop.v1;
enum Colour {
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
}
message Tin {
  string name = 1;
  int32 litre_count = 2;
  repeated Colour colours = 3;
  oneof purpose {
    string wall_name = 4;
  }
  message Lid {
    bool tight = 1;
  }
}
message Tray {}
service TinService {
  rpc GetTin(Tin) returns (Tin);
  rpc WatchTins(Tin) returns (stream Tin);
}
)";

/// What breaks when `from` of the published text becomes `to`.
std::vector<std::string> change(const std::string& from, const std::string& to) {
  std::string text = kPublished;
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  DescriptorPool before;
  DescriptorPool after;
  build(after, compile(text, "tin.proto"));
  return breaks(after, *build(before, compile(kPublished, "tin.proto")).back());
}

using Found = std::vector<std::string>;

TEST_CASE("what is only added breaks nobody") {
  CHECK(change("message Tray {}", "message Tray { string name = 1; }\nmessage Lid {}").empty());
  CHECK(change("COLOUR_RED = 1;", "COLOUR_RED = 1;\n COLOUR_BLUE = 2;").empty());
  CHECK(change("string wall_name = 4;", "string wall_name = 4;\n string roof_name = 5;").empty());
  CHECK(change("rpc GetTin", "rpc AddTin(Tin) returns (Tin);\n rpc GetTin").empty());
}

TEST_CASE("nothing published may go") {
  CHECK(change("message Tray {}", "") == Found{"shop.v1.Tray is gone"});
  CHECK(change("  string name = 1;", "") == Found{"shop.v1.Tin.name is gone"});
  CHECK(change("  string name = 1;", "  reserved 1;") == Found{"shop.v1.Tin.name is gone"});
  CHECK(change("    bool tight = 1;", "") == Found{"shop.v1.Tin.Lid.tight is gone"});
  CHECK(change("  COLOUR_RED = 1;", "") == Found{"shop.v1.COLOUR_RED is gone"});
  CHECK(change("  rpc GetTin(Tin) returns (Tin);", "") == Found{"shop.v1.TinService.GetTin is gone"});
  CHECK(change("service TinService", "service CanService") == Found{"shop.v1.TinService is gone"});
  CHECK(change("package shop.v1", "package shop.v2").size() == 4);
}

TEST_CASE("a field keeps its number, name, type, cardinality and oneof") {
  CHECK(change("string name = 1", "string title = 1") == Found{"shop.v1.Tin.name was name and is title"});
  CHECK(change("string name = 1", "string name = 7") == Found{"shop.v1.Tin.name is gone"});
  CHECK(change("int32 litre_count", "int64 litre_count") ==
        Found{"shop.v1.Tin.litre_count was int32 and is int64"});
  CHECK(change("int32 litre_count", "Tray litre_count") ==
        Found{"shop.v1.Tin.litre_count was int32 and is shop.v1.Tray"});
  CHECK(change("repeated Colour", "Colour") ==
        Found{"shop.v1.Tin.colours was repeated shop.v1.Colour and is shop.v1.Colour"});
  CHECK(change("oneof purpose {\n    string wall_name = 4;\n  }", "string wall_name = 4;") ==
        Found{"shop.v1.Tin.wall_name was oneof purpose and is no oneof"});
}

TEST_CASE("an enum value keeps its number and name") {
  CHECK(change("COLOUR_RED = 1", "COLOUR_RED = 2") == Found{"shop.v1.COLOUR_RED is gone"});
  CHECK(change("COLOUR_RED = 1", "COLOUR_BLUE = 1") ==
        Found{"shop.v1.COLOUR_RED was COLOUR_RED and is COLOUR_BLUE"});
}

TEST_CASE("an rpc keeps its messages and which of them stream") {
  CHECK(change("GetTin(Tin)", "GetTin(Tray)") ==
        Found{"shop.v1.TinService.GetTin was shop.v1.Tin to shop.v1.Tin and is shop.v1.Tray to shop.v1.Tin"});
  CHECK(change("WatchTins(Tin)", "WatchTins(stream Tin)").size() == 1);
  CHECK(change("(stream Tin)", "(Tin)").size() == 1);
}

/// The files of a descriptor set, built into a pool; ours, without Google's.
std::vector<const FileDescriptor*> build_set(DescriptorPool& pool, const char* path) {
  std::vector<const FileDescriptor*> files;
  for (const FileDescriptor* file : build(pool, read_set(path))) {
    if (file->package().rfind("google.protobuf", 0) != 0) files.push_back(file);
  }
  CHECK(files.size() >= 10);
  return files;
}

/// One sentence a line, for everything of `files` that `pool` lacks or has otherwise.
std::string breaks_of(const std::vector<const FileDescriptor*>& files, const DescriptorPool& pool) {
  std::string text;
  for (const FileDescriptor* file : files) {
    for (const std::string& sentence : breaks(pool, *file)) text += sentence + "\n";
  }
  return text;
}

TEST_CASE("a program built with the published words understands today's") {
  DescriptorPool today;
  DescriptorPool published;
  build_set(today, RINGTRACE_DESCRIPTORS);
  CHECK(breaks_of(build_set(published, RINGTRACE_PUBLISHED), today) == "");
}

TEST_CASE("what has been added is published, so that it cannot go again") {
  DescriptorPool today;
  DescriptorPool published;
  build_set(published, RINGTRACE_PUBLISHED);
  INFO("not in proto/published.protoset? `ninja -C .build/debug publish_protos` puts it there");
  CHECK(breaks_of(build_set(today, RINGTRACE_DESCRIPTORS), published) == "");
}

}  // namespace
