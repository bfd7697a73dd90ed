// Calls that another process began, told by what is in the log of them.

#include <catch2/catch.hpp>

#include "tests/redis/call_log_client.h"

namespace ringtrace::test {

TEST_CASE("a call that another process began is ended by its open record") {
  RedisServer server;
  {
    LogClient before(server);
    for (const auto& event : {ringing("c1"), answered("c1"), ringing("c2")}) before.log.append(event);
    REQUIRE(before.settled());
  }
  LogClient after(server);
  after.log.close_open_call({"c1", "sip-c1", kStart + seconds(64)});
  after.log.close_open_call({"c2", "sip-c2", kStart + seconds(9)});
  REQUIRE(after.settled());
  const auto events = after.read("").events;
  REQUIRE(events.size() == 5);

  const v1::CallEvent& talked = events[3];
  CHECK(talked.event_id() == "c1-ended");
  CHECK(talked.type() == v1::CALL_EVENT_TYPE_ENDED);
  CHECK(talked.call().state() == v1::CALL_STATE_ENDED);
  CHECK(talked.call().outcome() == v1::CALL_OUTCOME_ANSWERED);
  CHECK(talked.call().ring_duration().seconds() == 4);
  CHECK(talked.call().talk_duration().seconds() == 60);
  CHECK(from_timestamp(talked.call().end_time()) == kStart + seconds(64));

  // Its answer came while no process was there to see it.
  const v1::Call& unseen = events[4].call();
  CHECK(unseen.outcome() == v1::CALL_OUTCOME_ANSWERED);
  CHECK_FALSE(unseen.has_answer_time());
  CHECK_FALSE(unseen.has_ring_duration());
  CHECK_FALSE(unseen.has_talk_duration());
  CHECK(after.log.stats().closed == 2);

  Inbox<std::optional<std::uint64_t>> counts;
  after.log.count_open_calls([&](std::optional<std::uint64_t> count) { counts.put(count); });
  CHECK(counts.take() == 0U);
}

TEST_CASE("a closing of a call that nobody knows, or of another dialog, makes no event") {
  RedisServer server;
  LogClient client(server);
  client.log.append(ringing("c1"));
  client.log.close_open_call({"unknown", "sip", kStart});
  client.log.close_open_call({"c1", "another dialog", kStart});
  client.log.append(ended("c1"));
  client.log.close_open_call({"c1", "sip-c1", kStart});
  REQUIRE(client.settled());
  CHECK(client.ids() == Ids{"c1-ringing", "c1-ended"});
  CHECK(client.log.stats().unknown_closings == 3);
}

TEST_CASE("what answers tell of a call that another process began is told once, with what was known") {
  const auto seen = [](v1::CallEvent event) {
    event.mutable_call()->clear_resolution();
    event.mutable_call()->set_caller("made up");
    return event;
  };
  RedisServer server;
  {
    LogClient before(server);
    for (const char* call : {"c1", "c2", "c3"}) before.log.append(ringing(call));
    before.log.append(answered("c3"));
    REQUIRE(before.settled());
  }
  LogClient after(server);
  after.log.resume(seen(ringing("c1")));
  after.log.resume(seen(answered("c1")));
  after.log.close_open_call({"c1", "sip-c1", kStart + seconds(64)});
  after.log.resume(seen(answered("c1")));
  v1::CallEvent busy = seen(ended("c2"));
  busy.mutable_call()->set_outcome(v1::CALL_OUTCOME_BUSY);
  busy.mutable_call()->set_sip_status(486);
  *busy.mutable_call()->mutable_end_time() = to_timestamp(kStart + seconds(7));
  after.log.resume(busy);
  after.log.resume(busy);
  after.log.resume(seen(answered("c3")));  // the line repeats its 200
  after.log.resume(seen(ended("c3")));     // an attempt that lost
  after.log.resume(ringing("c4"));         // nothing was known of it
  REQUIRE(after.settled());
  CHECK(after.ids() == Ids{"c1-ringing", "c2-ringing", "c3-ringing", "c3-answered", "c1-answered", "c1-ended",
                           "c2-ended", "c4-ringing"});
  const auto events = after.read("").events;
  REQUIRE(events.size() == 8);
  for (const std::size_t at : {4u, 5u, 6u}) {
    CHECK(events[at].call().caller() == events[0].call().caller());
    CHECK(events[at].call().resolution().method() == events[0].call().resolution().method());
  }
  CHECK(events[5].call().talk_duration().seconds() == 60);
  CHECK(events[6].call().outcome() == v1::CALL_OUTCOME_BUSY);
  CHECK(events[6].call().sip_status() == 486);
  CHECK(events[6].call().ring_duration().seconds() == 7);
  CHECK(events[6].call().has_talk_duration());
}

TEST_CASE("a call closed before the gateway that carried it has told its answer waits for that") {
  const std::string call = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  RedisServer server;
  LogClient carrying(server);
  LogClient closing(server);
  const bool rings_before = GENERATE(false, true);
  if (rings_before) carrying.log.append(ringing(call));
  REQUIRE(carrying.settled());
  closing.log.close_open_call({call, "sip-" + call, kStart + seconds(64)});
  closing.log.append(ringing("behind it"));
  REQUIRE(eventually([&] { return closing.log.stats().queued == 1; }));

  if (!rings_before) carrying.log.append(ringing(call));
  carrying.log.append(answered(call));
  REQUIRE(carrying.settled());
  REQUIRE(closing.settled());
  const auto events = closing.read("").events;
  REQUIRE(events.size() == 4);
  CHECK(events[3].event_id() == call + "-ended");
  CHECK(events[3].call().talk_duration().seconds() == 60);
  CHECK(closing.log.stats().closed == 1);
}

TEST_CASE("a closing waits for Redis in its place among the events") {
  RedisServer server({}, RedisServer::Start::kLater);
  LogClient client(Client::options_for(server.unix_endpoint()));
  client.log.append(answered("c1"));
  client.log.close_open_call({"c1", "sip-c1", kStart + seconds(5)});
  client.log.append(ringing("c2"));
  server.start();
  client.client.start_and_wait();
  REQUIRE(client.settled());
  CHECK(client.ids() == Ids{"c1-answered", "c1-ended", "c2-ringing"});
}

}  // namespace ringtrace::test
