#include "proto/json_text.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <ringtrace/v1/call.pb.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace ringtrace {
namespace {

// What protobuf itself writes.
std::string by_protobuf(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  REQUIRE(google::protobuf::util::MessageToJsonString(message, &json, options).ok());
  return json;
}

v1::CallEvent whole_event() {
  v1::CallEvent event;
  event.set_event_id("01J-ended");
  event.set_type(v1::CALL_EVENT_TYPE_ENDED);
  event.mutable_event_time()->set_seconds(1'700'000'000);
  event.mutable_event_time()->set_nanos(123'000'000);
  v1::Call& call = *event.mutable_call();
  call.set_call_id("01J");
  call.set_caller("+12025550190");
  call.set_state(v1::CALL_STATE_ENDED);
  call.set_outcome(v1::CALL_OUTCOME_ANSWERED);
  call.set_sip_status(200);
  call.mutable_start_time()->set_seconds(951'782'400);  // the 29th of February
  call.mutable_end_time()->set_seconds(-1);
  call.mutable_end_time()->set_nanos(1'000);
  call.mutable_ring_duration()->set_seconds(3);
  call.mutable_ring_duration()->set_nanos(7);
  call.mutable_talk_duration()->set_seconds(-2);
  call.mutable_talk_duration()->set_nanos(-500'000'000);
  v1::Resolution& resolution = *call.mutable_resolution();
  resolution.set_method(v1::RESOLUTION_METHOD_HOLDER_LOG);
  resolution.set_confidence(0.1);
  resolution.set_none_weight(1e-9);
  resolution.mutable_visit()->set_visit_id("visit");
  (*resolution.mutable_visit()->mutable_attributes()->mutable_extra())["key"] = "value";
  for (int i = 1; i < 3; ++i) resolution.add_candidates()->set_weight(i);
  return event;
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
  google::protobuf::FileDescriptorProto file;
  REQUIRE(google::protobuf::TextFormat::ParseFromString(
      R"(name: "kinds.proto" package: "kinds" syntax: "proto3" message_type { name: "Kinds"
           field { name: "a" number: 1 label: LABEL_REPEATED type: TYPE_SINT32 }
           field { name: "b" number: 2 label: LABEL_REPEATED type: TYPE_SINT64 }
           field { name: "c" number: 3 label: LABEL_REPEATED type: TYPE_FIXED32 }
           field { name: "d" number: 4 label: LABEL_REPEATED type: TYPE_SFIXED64 }
           field { name: "e" number: 5 label: LABEL_REPEATED type: TYPE_FLOAT }
           field { name: "f" number: 6 label: LABEL_REPEATED type: TYPE_BOOL }
           field { name: "g" number: 7 label: LABEL_OPTIONAL type: TYPE_UINT64 }
           field { name: "h" number: 8 label: LABEL_OPTIONAL type: TYPE_SFIXED32 } })",
      &file));
  google::protobuf::DescriptorPool pool;
  google::protobuf::DynamicMessageFactory factory;
  REQUIRE(pool.BuildFile(file) != nullptr);
  const std::unique_ptr<google::protobuf::Message> message(
      factory.GetPrototype(pool.FindMessageTypeByName("kinds.Kinds"))->New());
  REQUIRE(
      google::protobuf::TextFormat::ParseFromString("a: [0, -1, 2147483647] b: [-9223372036854775808, 1] c: "
                                                    "[7, 4294967295] d: [-5] e: [0.5, -1e9] f: [true, false] "
                                                    "g: 18446744073709551615 h: -2",
                                                    message.get()));
  CHECK(to_json(*message) == by_protobuf(*message));
}

}  // namespace ringtrace
