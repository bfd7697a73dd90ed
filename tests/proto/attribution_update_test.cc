#include "proto/attribution_update.h"

#include <catch2/catch.hpp>

#include "proto/from_pool.h"

namespace ringtrace {
namespace {

v1::CallEvent ended_event() {
  v1::CallEvent event;
  event.set_event_id("c-1-ended");
  event.set_cursor("7-0");
  event.set_type(v1::CALL_EVENT_TYPE_ENDED);
  event.mutable_call()->set_call_id("c-1");
  event.mutable_call()->set_state(v1::CALL_STATE_ENDED);
  event.mutable_call()->mutable_resolution()->set_source("direct");
  return event;
}

v1::Resolution better() {
  v1::Resolution resolution;
  resolution.set_method(v1::RESOLUTION_METHOD_HOLDER_LOG);
  resolution.set_source("google/cpc");
  return resolution;
}

}  // namespace

TEST_CASE("an updated attribution tells the call with the new answer, and the old one beside it") {
  const pool::Time at{pool::Duration(5'000)};
  const v1::CallEvent event = attribution_updated(ended_event(), better(), 2, at);
  CHECK(event.event_id() == "c-1-attribution_updated-2");
  CHECK(event.type() == v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED);
  CHECK(event.cursor().empty());
  CHECK(event.event_time().seconds() == 5);
  CHECK(event.call().state() == v1::CALL_STATE_ENDED);
  CHECK(event.call().resolution().source() == "google/cpc");
  CHECK(event.attribution_updated().previous_resolution().source() == "direct");
  CHECK(event.attribution_updated().revision() == 2);
}

TEST_CASE("a call that went on after its update keeps its state and takes the newer answer") {
  const v1::CallEvent update = attribution_updated(ended_event(), better(), 1, pool::Time{});
  v1::Call call;
  call.set_state(v1::CALL_STATE_ANSWERED);
  call.mutable_resolution()->set_source("direct");
  const v1::Call now = with_newest_resolution(call, update);
  CHECK(now.state() == v1::CALL_STATE_ANSWERED);
  CHECK(now.resolution().source() == "google/cpc");
}

}  // namespace ringtrace
