#include "redis/open_call_sweep.h"

#include <catch2/catch.hpp>

#include "proto/from_pool.h"
#include "tests/redis/redis_server.h"
#include "tests/redis/support.h"

namespace ringtrace::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

// 01ARZ3NDEK in base 32.
const pool::Time kStart{milliseconds(1'469'922'850'259)};
const std::string kOld = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

v1::CallEvent event_of(const std::string& call, v1::CallEventType type, v1::CallState state,
                       const char* word) {
  v1::CallEvent event;
  event.set_event_id(call + "-" + word);
  event.set_type(type);
  event.mutable_call()->set_call_id(call);
  event.mutable_call()->set_dialed_number("+12025550101");
  event.mutable_call()->set_state(state);
  *event.mutable_call()->mutable_start_time() = to_timestamp(kStart);
  return event;
}

v1::CallEvent ringing(const std::string& call) {
  return event_of(call, v1::CALL_EVENT_TYPE_RINGING, v1::CALL_STATE_RINGING, "ringing");
}

v1::CallEvent answered(const std::string& call) {
  return event_of(call, v1::CALL_EVENT_TYPE_ANSWERED, v1::CALL_STATE_ANSWERED, "answered");
}

redis::CallLogOptions impatient() {
  redis::CallLogOptions options;
  options.closing_patience = milliseconds(0);
  return options;
}

/// A log that sweeps, at a time the test sets.
struct Sweeper {
  explicit Sweeper(const RedisServer& server, pool::Time at, pool::Duration setup_time = {})
      : now(at),
        setup(setup_time),
        client(Client::options_for(server.unix_endpoint())),
        log(client.connection(), impatient(), {}) {}
  ~Sweeper() { client.loop().stop(); }

  bool settled() {
    return eventually([this] { return log.stats().queued == 0; });
  }

  std::vector<v1::CallEvent> events() {
    Inbox<redis::CallLogPage> pages;
    log.read_after("", 1'000, [&](redis::CallLogPage page) { pages.put(std::move(page)); });
    return pages.take().events;
  }

  std::atomic<pool::Time> now;
  const pool::Duration setup;
  Client client;
  redis::RedisCallLog log;
  redis::OpenCallSweep sweep{
      client.connection(), log, {.max_age = hours(4), .setup = setup, .every = milliseconds(20)}, [this] {
        return now.load();
      }};
};

TEST_CASE(
    "calls a killed gateway left open are closed by their age, once, whether they were answered or not") {
  const RedisServer server;
  {
    Sweeper killed(server, kStart);
    killed.client.start_and_wait();
    killed.log.append(ringing(kOld));
    killed.log.append(answered(kOld));
    killed.log.append(ringing("unanswered"));
    REQUIRE(killed.settled());
    CHECK(killed.sweep.closed() == 0);
  }
  Sweeper first(server, kStart + hours(4));
  Sweeper second(server, kStart + hours(4));
  first.client.start_and_wait();
  second.client.start_and_wait();
  // One that is younger than that is left alone, however often it is looked at.
  REQUIRE(eventually([&] { return first.client.connection().stats().replies > 20; }));
  CHECK(first.sweep.closed() == 0);
  first.now = second.now = kStart + hours(4) + minutes(1);
  REQUIRE(eventually([&] { return first.sweep.closed() + second.sweep.closed() >= 2; }));
  REQUIRE(eventually([&] { return first.settled() && first.events().size() == 5; }));

  const auto events = first.events();
  for (std::size_t i = 3; i < 5; ++i) {
    CHECK(events[i].type() == v1::CALL_EVENT_TYPE_ENDED);
    CHECK(events[i].event_id() == events[i].call().call_id() + "-ended");
    CHECK(events[i].call().outcome() == v1::CALL_OUTCOME_UNKNOWN_END);
    CHECK(events[i].call().state() == v1::CALL_STATE_ENDED);
    CHECK(from_timestamp(events[i].call().end_time()) == kStart + hours(4) + minutes(1));
    CHECK_FALSE(events[i].call().has_talk_duration());
    CHECK(events[i].call().dialed_number() == "+12025550101");
  }
  // A BYE that comes after all changes nothing.
  first.log.close_open_call({kOld, "sip", kStart + hours(5)});
  REQUIRE(first.settled());
  CHECK(first.events().size() == 5);
}

TEST_CASE(
    "the age of a call that nobody ends begins with its answer; one that still rings may yet be answered") {
  const RedisServer server;
  Sweeper sweeper(server, kStart + hours(4) + minutes(1), hours(1));
  sweeper.client.start_and_wait();
  v1::CallEvent late = answered(kOld);
  *late.mutable_call()->mutable_answer_time() = to_timestamp(kStart + minutes(30));
  sweeper.log.append(std::move(late));
  sweeper.log.append(ringing("unanswered"));
  REQUIRE(sweeper.settled());
  const auto looked_again = [&, seen = sweeper.client.connection().stats().replies] {
    return sweeper.client.connection().stats().replies > seen + 10;
  };
  REQUIRE(eventually(looked_again));
  CHECK(sweeper.sweep.closed() == 0);
  sweeper.now = kStart + hours(4) + minutes(31);
  REQUIRE(eventually([&] { return sweeper.sweep.closed() == 1; }));
  sweeper.now = kStart + hours(5) + minutes(1);
  REQUIRE(eventually([&] { return sweeper.sweep.closed() == 2; }));
}

TEST_CASE("a call that was being routed when its gateway was killed ends once, by what its BYE tells") {
  const RedisServer server;
  Sweeper after(server, kStart);
  after.client.start_and_wait();
  after.log.close_open_call({kOld, "sip-dialog", kStart + minutes(3)});
  after.log.close_open_call({kOld, "sip-dialog", kStart + minutes(3)});
  after.log.close_open_call({"no id of ours", "sip-dialog", kStart + minutes(3)});
  REQUIRE(after.settled());
  const auto events = after.events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].event_id() == kOld + "-ended");
  CHECK(events[0].call().outcome() == v1::CALL_OUTCOME_ANSWERED);
  CHECK(events[0].call().sip_call_id() == "sip-dialog");
  CHECK(from_timestamp(events[0].call().start_time()) == kStart);
  CHECK(after.log.stats().unknown_closings == 1);
}

}  // namespace
}  // namespace ringtrace::test
