#include "proto/json_text.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <ringtrace/v1/call.pb.h>

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "tests/proto/messages.h"

namespace ringtrace {
namespace {

using testing::kEndsOfKinds;
using testing::Kinds;
using testing::whole_event;

// What protobuf itself writes.
std::string by_protobuf(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  REQUIRE(google::protobuf::util::MessageToJsonString(message, &json, options).ok());
  return json;
}

}  // namespace

TEST_CASE("a message's JSON is what protobuf writes") {
  CHECK(to_json(whole_event()) == by_protobuf(whole_event()));
  CHECK(to_json(v1::CallEvent()) == by_protobuf(v1::CallEvent()));
}

TEST_CASE("any text comes through JSON and back") {
  v1::Call call;
  std::string text = "\"quoted\" \\ </script> \u00e9\u4e2d\U0001f600";
  for (char c = 0; c < 0x20; ++c) text += c;
  call.set_caller(text + '\x7f');
  v1::Call back;
  REQUIRE(google::protobuf::util::JsonStringToMessage(to_json(call), &back).ok());
  CHECK(google::protobuf::util::MessageDifferencer::Equals(back, call));
}

TEST_CASE("an enum's number without a name is written as the number") {
  v1::Call call;
  call.set_state(static_cast<v1::CallState>(99));
  CHECK(to_json(call) == R"({"state":99})");
}

TEST_CASE("bytes are a message to us where they are one to protobuf") {
  const std::string whole = whole_event().SerializeAsString();
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    CAPTURE(size);
    const std::string_view cut = std::string_view(whole).substr(0, size);
    v1::CallEvent event;
    std::string json;
    const bool read = event.ParseFromArray(cut.data(), static_cast<int>(size));
    CHECK(append_json(*v1::CallEvent::descriptor(), cut, json) == read);
    if (read) CHECK(json == by_protobuf(event));
  }
}

TEST_CASE("fields of a newer program, and those that are not wanted, are left out") {
  v1::CallEvent event = whole_event();
  const std::string newer = event.SerializeAsString() + std::string("\x98\x06\x07", 3);  // 99 is 7
  std::string json;
  REQUIRE(
      append_json(*v1::CallEvent::descriptor(), newer, json, [](const auto& field, const WireField& value) {
        if (field.name() == "caller") CHECK(value.bytes == "+12025550190");
        return field.name() != "caller" && field.name() != "visit";
      }));
  event.mutable_call()->clear_caller();
  event.mutable_call()->mutable_resolution()->clear_visit();
  CHECK(json == by_protobuf(event));
}

TEST_CASE("every kind of number is written as protobuf writes it") {
  const Kinds kinds(kEndsOfKinds);
  CHECK(to_json(*kinds.message) == by_protobuf(*kinds.message));
}

}  // namespace ringtrace
