#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/proto/proto_lint.h"
#include "tests/proto/protoc.h"

namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using ringtrace::proto_lint::lint;
using ringtrace::testing::build;
using ringtrace::testing::compile;
using ringtrace::testing::read_set;

/// A file that keeps every rule; the tests break one each.
constexpr const char* kGood = R"(syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
// A colour.
enum PaintColour {
  // None.
  PAINT_COLOUR_UNSPECIFIED = 0;
  // Red.
  PAINT_COLOUR_RED = 1;
}
// A tin.
message Tin {
  // When it was filled.
  google.protobuf.Timestamp fill_time = 1;
  // How much.
  int32 litre_count = 2;
  // What for.
  oneof purpose {
    // A wall.
    string wall_name = 3;
  }
  // By place.
  map<string, string> labels = 4;
}
// Asks.
message GetTinRequest {}
// Answers.
message GetTinResponse {}
// Sells.
service TinService {
  // Gives one.
  rpc GetTin(GetTinRequest) returns (GetTinResponse);
}
)";

/// What the lint says of a file of that text and path, through protoc as in the build.
std::vector<std::string> lint_text(const std::string& text, const std::string& path = "shop/v1/tin.proto") {
  DescriptorPool pool;
  return lint(*build(pool, compile(text, path)).back());
}

std::string broken(const std::string& what, const std::string& with) {
  std::string text = kGood;
  std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  for (; at != std::string::npos; at = text.find(what, at + with.size())) text.replace(at, what.size(), with);
  return text;
}

using Sentences = std::vector<std::string>;

TEST_CASE("our own files keep the rules") {
  DescriptorPool pool;
  int linted = 0;
  for (const FileDescriptor* file : build(pool, read_set(RINGTRACE_DESCRIPTORS))) {
    // What we only repeat from elsewhere keeps the names it has there.
    if (file->package().rfind("google.", 0) == 0) continue;
    ++linted;
    CHECK(lint(*file) == Sentences());
  }
  CHECK(linted == 8);
}

TEST_CASE("a file that keeps every rule passes") { CHECK(lint_text(kGood) == Sentences()); }

TEST_CASE("a package without a version is found") {
  CHECK(lint_text(broken("package shop.v1;", "package shop.first;"), "shop/first/tin.proto") ==
        Sentences{"shop/first/tin.proto has a package that does not end in a version such as .v1"});
}

TEST_CASE("a file outside its package's directory is found") {
  CHECK(lint_text(kGood, "paint/v1/tin.proto") ==
        Sentences{"paint/v1/tin.proto does not lie in the directory of its package, shop/v1"});
}

TEST_CASE("a service without the suffix is found") {
  CHECK(lint_text(broken("service TinService", "service TinShop")) ==
        Sentences{"shop.v1.TinShop does not end in Service"});
}

TEST_CASE("a request that is not named after its rpc is found") {
  CHECK(lint_text(broken("GetTinRequest", "TinQuery")) ==
        Sentences{"shop.v1.TinService.GetTin uses TinQuery and not GetTinRequest"});
}

TEST_CASE("a response that is not named after its rpc is found") {
  CHECK(lint_text(broken("returns (GetTinResponse)", "returns (Tin)")) ==
        Sentences{"shop.v1.TinService.GetTin uses Tin and not GetTinResponse"});
}

TEST_CASE("a message used by two rpcs is found") {
  const std::string second =
      "returns (GetTinResponse);\n// Gives another.\nrpc GetLid(GetTinRequest) returns (GetTinResponse);";
  const Sentences found = lint_text(broken("returns (GetTinResponse);", second));
  CHECK(found == Sentences{"shop.v1.TinService.GetLid uses GetTinRequest and not GetLidRequest",
                           "shop.v1.TinService.GetLid uses GetTinRequest, which is another rpc's",
                           "shop.v1.TinService.GetLid uses GetTinResponse and not GetLidResponse",
                           "shop.v1.TinService.GetLid uses GetTinResponse, which is another rpc's"});
}

TEST_CASE("an enum value without the enum's name is found") {
  CHECK(lint_text(broken("PAINT_COLOUR_RED", "RED")) ==
        Sentences{"shop.v1.RED does not begin with PAINT_COLOUR_"});
}

TEST_CASE("a zero value with a meaning is found") {
  CHECK(lint_text(broken("PAINT_COLOUR_UNSPECIFIED", "PAINT_COLOUR_WHITE")) ==
        Sentences{"shop.v1.PAINT_COLOUR_WHITE breaks the rule that zero, and only zero, is "
                  "PAINT_COLOUR_UNSPECIFIED"});
}

TEST_CASE("a field in another case is found") {
  CHECK(lint_text(broken("litre_count", "litreCount")) ==
        Sentences{"shop.v1.Tin.litreCount is not lower_snake"});
}

TEST_CASE("a time without the suffix is found") {
  CHECK(lint_text(broken("fill_time", "filled")) ==
        Sentences{"shop.v1.Tin.filled is a time and does not end in _time"});
}

TEST_CASE("a count of seconds that calls itself a time is found") {
  CHECK(lint_text(broken("litre_count", "open_time")) ==
        Sentences{"shop.v1.Tin.open_time ends in _time and is no Timestamp"});
}

TEST_CASE("whatever has no comment is found") {
  const auto [comment, name] = GENERATE(table<std::string, std::string>({
      {"// A colour.", "shop.v1.PaintColour"},
      {"// Red.", "shop.v1.PAINT_COLOUR_RED"},
      {"// A tin.", "shop.v1.Tin"},
      {"// How much.", "shop.v1.Tin.litre_count"},
      {"// What for.", "shop.v1.Tin.purpose"},
      {"// A wall.", "shop.v1.Tin.wall_name"},
      {"// Sells.", "shop.v1.TinService"},
      {"// Gives one.", "shop.v1.TinService.GetTin"},
  }));
  CHECK(lint_text(broken(comment, "")) == Sentences{name + " has no comment"});
}

}  // namespace
