#include "proto/json_reader.h"

#include <google/protobuf/util/field_comparator.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <ringtrace/v1/call.pb.h>

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "proto/json_text.h"
#include "tests/proto/messages.h"

namespace ringtrace {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::kEndsOfKinds;
using testing::Kinds;
using testing::whole_event;

/// What protobuf itself reads.
bool by_protobuf(const std::string& json, google::protobuf::Message& message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return google::protobuf::util::JsonStringToMessage(json, &message, options).ok();
}

/// True when we take the text, and protobuf does and makes the same of it; false when we do not take it.
template <typename Type>
bool takes_as_protobuf(const std::string& json) {
  Type ours;
  if (!from_json(json, ours)) return false;
  Type theirs;
  INFO(json);
  REQUIRE(by_protobuf(json, theirs));
  google::protobuf::util::DefaultFieldComparator fields;
  fields.set_treat_nan_as_equal(true);
  MessageDifferencer differencer;
  differencer.set_field_comparator(&fields);
  CHECK(differencer.Compare(ours, theirs));
  return true;
}

bool takes(const std::string& json) { return takes_as_protobuf<v1::CallEvent>(json); }

}  // namespace

TEST_CASE("what is written as JSON is read again") {
  v1::CallEvent event;
  REQUIRE(from_json(to_json(whole_event()), event));
  CHECK(MessageDifferencer::Equals(event, whole_event()));
  CHECK(takes(to_json(whole_event())));
  Kinds kinds(kEndsOfKinds);
  const auto back = kinds.make();
  REQUIRE(from_json(to_json(*kinds.message), *back));
  CHECK(MessageDifferencer::Equals(*back, *kinds.message));
}

TEST_CASE("any text comes through JSON and back by our own reader") {
  v1::Call call;
  std::string text = "\"quoted\" \\ </script> \u00e9\u4e2d\U0001f600";
  for (char c = 0; c < 0x20; ++c) text += c;
  call.set_caller(text + '\x7f');
  v1::Call back;
  REQUIRE(from_json(to_json(call), back));
  CHECK(MessageDifferencer::Equals(back, call));
}

TEST_CASE("every form of JSON is read as protobuf reads it") {
  for (
      const char* json :
      {"{}", " { } ", R"({"event_id":null,"call":{}})", R"({"eventId":"camel"})",
       R"({"newer":{"a":[1,-2.5e3,"x",true,null,{}]},"event_id":"known","newer_still":[]})",
       R"({"type":3,"call":{"state":"CALL_STATE_ENDED","outcome":"CALL_OUTCOME_OF_TOMORROW"}})",
       R"({"call":{"sip_status":"200","resolution":{"confidence":"0.5","none_weight":1E-3}}})",
       R"({"call":{"resolution":{"confidence":"NaN"}}})",
       R"({"call":{"resolution":{"confidence":"-Infinity"}}})",
       R"({"event_id":"\"\\\/\b\f\n\r\t\u00e9\u4E2D\ud83d\ude00\u0000"})",
       "{\"event_id\":\"\u00e9\xf0\x9f\x98\x80\"}",
       "{\t\"event_id\"\n:\r\"spaced\" , \"call\" : { \"candidates\" : [ ] } }",
       R"({"event_time":"2026-03-01T12:00:00.5+01:00","call":{"talk_duration":"-1.5s"}})",
       R"({"call":{"resolution":{"candidates":[{"weight":1},{"weight":2}],"visit":{"attributes":{"extra":{"":"a","b":""}}}}}})"}) {
    INFO(json);
    CHECK(takes(json));
  }
}

TEST_CASE("what is no JSON of the message is not read") {
  for (const char* json : {"",
                           "[]",
                           "null",
                           "{",
                           "{}}",
                           "{} x",
                           R"({"event_id"})",
                           R"({"event_id":})",
                           R"({"event_id":7})",
                           R"({"event_id":"cut)",
                           R"({"event_id":"\x"})",
                           R"({"event_id":"\u12"})",
                           R"({"event_id":"\ud83d"})",
                           R"({"event_id":"\ude00"})",
                           R"({"event_id":"\ud83dx"})",
                           "{\"event_id\":\"\xff\"}",
                           "{\"event_id\":\"\n\"}",
                           R"({"event_id":"a",})",
                           R"({"event_id":"a" "type":1})",
                           R"({"call":[]})",
                           R"({"call":{"sip_status":1.5}})",
                           R"({"call":{"sip_status":3000000000}})",
                           R"({"call":{"sip_status":007}})",
                           R"({"call":{"sip_status":"2)",
                           R"({"call":{"resolution":{"confidence":.5}}})",
                           R"({"call":{"resolution":{"confidence":1e999}}})",
                           R"({"call":{"resolution":{"candidates":{}}}})",
                           R"({"event_time":"yesterday"})",
                           R"({"event_time":7})",
                           R"({"newer":tru})",
                           R"({"newer":[1,]})",
                           R"({"newer":{"a"}})"}) {
    INFO(json);
    CHECK_FALSE(takes(json));
  }
  std::string deep = R"({"newer":)";
  for (int i = 0; i < 100'000; ++i) deep += '[';
  CHECK_FALSE(takes(deep));
}

TEST_CASE("a text that was cut or changed anywhere is read as protobuf reads it, or not") {
  const std::string whole = to_json(whole_event());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CHECK_FALSE(takes(whole.substr(0, at)));
    for (const char c : std::string_view("\"\\{}[]:,0-e. \x80")) {
      std::string changed = whole;
      changed[at] = c;
      takes(changed);
    }
  }
}

}  // namespace ringtrace
