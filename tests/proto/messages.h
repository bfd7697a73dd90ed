#pragma once

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <ringtrace/v1/call.pb.h>

#include <catch2/catch.hpp>
#include <memory>

/// Messages to write and read.
namespace ringtrace::testing {

inline v1::CallEvent whole_event() {
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

/// A message with every kind of number; `text` is protobuf's text format of it.
class Kinds {
 public:
  explicit Kinds(const char* text) {
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
    REQUIRE(pool_.BuildFile(file) != nullptr);
    message = make();
    REQUIRE(google::protobuf::TextFormat::ParseFromString(text, message.get()));
  }

  /// An empty one.
  std::unique_ptr<google::protobuf::Message> make() {
    return std::unique_ptr<google::protobuf::Message>(
        factory_.GetPrototype(pool_.FindMessageTypeByName("kinds.Kinds"))->New());
  }

 private:
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;

 public:
  std::unique_ptr<google::protobuf::Message> message;
};

/// Of each kind the ends of what it can be.
inline constexpr const char* kEndsOfKinds =
    "a: [0, -1, 2147483647] b: [-9223372036854775808, 1] c: [7, 4294967295] d: [-5] e: [0.5, -1e9] f: [true, "
    "false] g: 18446744073709551615 h: -2";

}  // namespace ringtrace::testing
