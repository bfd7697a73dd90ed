#include "redis/event_record.h"

#include <google/protobuf/util/message_differencer.h>

#include <catch2/catch.hpp>

#include "proto/from_pool.h"
#include "redis/call_event_text.h"
#include "redis/call_persons.h"

namespace ringtrace::redis {
namespace {

using google::protobuf::util::MessageDifferencer;

void show(v1::Resolution& resolution, const std::string& visit, const std::string& source) {
  resolution.set_method(v1::RESOLUTION_METHOD_ACTIVE_LEASE);
  resolution.mutable_visit()->set_visit_id(visit);
  resolution.mutable_visit()->set_visitor_id("browser of " + visit);
  resolution.mutable_visit()->mutable_attributes()->set_utm_source(source);
  resolution.set_source(source);
  resolution.set_pool("pools/main");
  resolution.add_candidates()->set_visit_id(visit);
}

v1::CallEvent update() {
  v1::CallEvent event;
  event.set_event_id("c1-attribution_updated-1");
  event.set_type(v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED);
  v1::Call& call = *event.mutable_call();
  call.set_call_id("c1");
  call.set_caller("+12025550190");
  call.set_forwarded_from("+12025550177");
  call.set_dialed_number("+12025550101");
  call.set_outcome(v1::CALL_OUTCOME_ANSWERED);
  *call.mutable_start_time() = to_timestamp(pool::Time(std::chrono::milliseconds(1'700'000'000'123)));
  show(*call.mutable_resolution(), "visit 1", "google/cpc");
  show(*event.mutable_attribution_updated()->mutable_previous_resolution(), "visit 2", "direct");
  return event;
}

EventRecord record_of(const v1::CallEvent& event) {
  auto record = EventRecorder(CallerKey("key")).record(event.SerializeAsString());
  REQUIRE(record);
  return *record;
}

}  // namespace

TEST_CASE("a record is the event without its persons, who stand beside it") {
  const v1::CallEvent event = update();
  const EventRecord record = record_of(event);
  CHECK(record.call_id == "c1");
  const auto& values = record.values;
  REQUIRE(values.size() == 12);
  CHECK(values[0] == "c1-attribution_updated-1");
  CHECK(values[1] == "attribution_updated");
  CHECK(values[2] == "c1");
  for (const char* const personal : {"+12025550190", "+12025550177", "browser of", "utm_source"})
    CHECK(values[3].find(personal) == std::string::npos);
  CHECK(values[4] == "1700000000123 answered main +12025550101 google/cpc");
  CHECK(values[5] == "+12025550190\t+12025550177");
  CHECK(values[6] == CallerKey("key").hash("+12025550190") + " " + CallerKey("key").hash("+12025550177"));
  CHECK(values[7] == "2");

  auto back = event_from_json(values[3]);
  REQUIRE(back);
  put_persons({"+12025550190", "+12025550177", {{values[8], values[9]}, {values[10], values[11]}}}, *back);
  CHECK(MessageDifferencer::Equals(*back, event));
}

TEST_CASE("a visit that two resolutions name stands there once, its cursor and a nobody not at all") {
  v1::CallEvent event = update();
  event.set_cursor("1-1");
  event.mutable_call()->clear_caller();
  event.mutable_call()->clear_forwarded_from();
  *event.mutable_attribution_updated()->mutable_previous_resolution() = event.call().resolution();
  const auto& values = record_of(event).values;
  REQUIRE(values.size() == 10);
  CHECK(values[3].find("cursor") == std::string::npos);
  CHECK(values[5].empty());
  CHECK(values[6].empty());
  CHECK(values[7] == "1");
  CHECK(values[8] == "visit 1");
}

TEST_CASE("what is no event has no record") {
  CHECK_FALSE(EventRecorder(CallerKey("key")).record("no event"));
}

}  // namespace ringtrace::redis
