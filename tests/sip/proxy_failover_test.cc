#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// The first request of that method among what was sent; the rest is dropped.
Sent find_request(FakeWorld& world, Method method, const Hop& to) {
  while (!world.is_quiet()) {
    Sent sent = world.next();
    if (sent.message.is_request() && sent.message.method() == method && sent.to == to) return sent;
  }
  FAIL("no such request was sent");
  return {};
}

// The last response to the caller among what was sent.
int last_answer(FakeWorld& world) {
  int status = 0;
  while (!world.is_quiet()) {
    const Sent sent = world.next();
    if (!sent.message.is_request()) status = sent.message.status();
  }
  return status;
}

}  // namespace

TEST_CASE("the next line is tried after 503, 500, 502, 504 and never after a decision") {
  struct Case {
    int status;
    bool next;
    int to_caller;
    v1::CallOutcome outcome;
  };
  const Case c = GENERATE(
      Case{503, true, 0, {}}, Case{500, true, 0, {}}, Case{502, true, 0, {}}, Case{504, true, 0, {}},
      Case{486, false, 486, v1::CALL_OUTCOME_BUSY}, Case{603, false, 603, v1::CALL_OUTCOME_FAILED},
      Case{480, false, 480, v1::CALL_OUTCOME_NO_ANSWER}, Case{404, false, 404, v1::CALL_OUTCOME_FAILED});
  INFO(c.status);
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  const Sent invited = find_request(world, Method::kInvite, kLineOne);
  world.receive(kLineOne, respond_to(invited.message, c.status));
  CHECK(first_line(world.next().text).substr(0, 4) == "ACK ");
  if (c.next) {
    const Sent second = world.next();
    CHECK(second.to == kLineTwo);
    CHECK(first_line(second.text) == "INVITE sip:+74950000001@198.51.100.2:5060 SIP/2.0");
    CHECK(headers(second.text, "Record-Route").size() == 1);
    CHECK(world.events.empty());
    CHECK(world.stats.line_failovers == 1);
  } else {
    CHECK(world.next().message.status() == c.to_caller);
    REQUIRE(world.events.size() == 1);
    CHECK(world.events[0].call().outcome() == c.outcome);
  }
}

TEST_CASE("a line that cannot be sent to is passed over at once") {
  FakeWorld world;
  world.dead = {kLineOne};
  world.receive(kTrunkHop, invite());
  CHECK(world.next().message.status() == 100);
  const Sent second = world.next();
  CHECK(second.to == kLineTwo);
  world.receive(kLineTwo, respond_to(second.message, 200));
  CHECK(world.next().message.status() == 200);
  CHECK(world.events[0].call().line() == "two");
}

TEST_CASE("a line reported dead by the network is passed over at the next tick") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  find_request(world, Method::kInvite, kLineOne);
  world.core->transport_failed(kLineOne);
  world.advance(milliseconds(10));
  CHECK(world.next().to == kLineTwo);
}

TEST_CASE("when no line can be reached the caller is told 500 and the call has failed") {
  FakeWorld world;
  world.dead = {kLineOne, kLineTwo};
  world.receive(kTrunkHop, invite());
  CHECK(world.next().message.status() == 100);
  CHECK(world.next().message.status() == 500);
  REQUIRE(world.events.size() == 1);
  CHECK(world.events[0].call().outcome() == v1::CALL_OUTCOME_FAILED);
}

TEST_CASE("a silent line is given up after the configured time; should it wake up, it is told so") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  const Sent first = find_request(world, Method::kInvite, kLineOne);
  world.advance(seconds(4));
  const Sent second = find_request(world, Method::kInvite, kLineTwo);
  world.receive(kLineTwo, respond_to(second.message, 180));
  CHECK(last_answer(world) == 180);

  world.receive(kLineOne, respond_to(first.message, 180));
  const Sent cancelled = world.next();
  CHECK(cancelled.to == kLineOne);
  CHECK(first_line(cancelled.text).substr(0, 7) == "CANCEL ");
  CHECK(world.is_quiet());
  world.receive(kLineOne, respond_to(first.message, 487));
  world.receive(kLineTwo, respond_to(second.message, 200));
  CHECK(last_answer(world) == 200);
  CHECK(world.events.back().call().line() == "two");
}

TEST_CASE("a given-up line that answers after all takes the call, and the other is cancelled") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  const Sent first = find_request(world, Method::kInvite, kLineOne);
  world.advance(seconds(4));
  const Sent second = find_request(world, Method::kInvite, kLineTwo);
  world.receive(kLineTwo, respond_to(second.message, 180));
  world.forget_sent();
  world.receive(kLineOne, respond_to(first.message, 200));
  CHECK(world.next().message.status() == 200);
  const Sent cancelled = world.next();
  CHECK(cancelled.to == kLineTwo);
  CHECK(cancelled.message.method() == Method::kCancel);
}

TEST_CASE("once a line rings no other is tried, and the ring timeout ends in 480") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  const Sent invited = find_request(world, Method::kInvite, kLineOne);
  world.receive(kLineOne, respond_to(invited.message, 180));
  world.forget_sent();
  world.advance(seconds(120));
  const Sent cancelled = world.next();
  CHECK(cancelled.message.method() == Method::kCancel);
  CHECK(cancelled.to == kLineOne);
  world.receive(kLineOne, respond_to(invited.message, 487));
  CHECK(last_answer(world) == 480);
  REQUIRE(world.events.size() == 2);
  CHECK(world.events[1].call().outcome() == v1::CALL_OUTCOME_NO_ANSWER);
  CHECK(world.events[1].call().sip_status() == 480);
  CHECK(world.events[1].call().ring_duration().seconds() == 120);
}

TEST_CASE("a group may have its next line tried when one has rung too long") {
  ProxyConfig config = FakeWorld::default_config();
  config.line_groups[0].ring_timeout = seconds(20);
  config.line_groups[0].next_after_ring_timeout = true;
  FakeWorld world(config);
  world.receive(kTrunkHop, invite());
  const Sent first = find_request(world, Method::kInvite, kLineOne);
  world.receive(kLineOne, respond_to(first.message, 180));
  world.forget_sent();
  world.advance(seconds(19));
  CHECK(world.is_quiet());
  world.advance(seconds(1));
  const Sent cancelled = world.next();
  CHECK(cancelled.to == kLineOne);
  CHECK(cancelled.message.method() == Method::kCancel);
  const Sent second = world.next();
  CHECK(second.to == kLineTwo);
  CHECK(second.message.method() == Method::kInvite);
  world.receive(kLineOne, respond_to(first.message, 487));
  world.receive(kLineTwo, respond_to(second.message, 180));

  SECTION("the second one answers") {
    world.receive(kLineTwo, respond_to(second.message, 200));
    CHECK(last_answer(world) == 200);
    REQUIRE(world.events.size() == 2);  // it rang once, for the caller
    CHECK(world.events[1].call().line() == "two");
  }
  SECTION("the second one rings too long as well") {
    world.forget_sent();
    world.advance(seconds(20));
    CHECK(world.next().message.method() == Method::kCancel);
    world.receive(kLineTwo, respond_to(second.message, 487));
    CHECK(last_answer(world) == 480);
    CHECK(world.events.back().call().outcome() == v1::CALL_OUTCOME_NO_ANSWER);
  }
  SECTION("the caller hangs up meanwhile") {
    world.forget_sent();
    world.receive(kTrunkHop, cancel());
    world.receive(kLineTwo, respond_to(second.message, 487));
    CHECK(last_answer(world) == 487);
    CHECK(world.events.back().call().outcome() == v1::CALL_OUTCOME_CANCELLED);
  }
}

TEST_CASE("a call no line of its group takes reaches the trunk's emergency line") {
  ProxyConfig config = FakeWorld::default_config();
  config.trunks[0].emergency_line = Target{Transport::kUdp, "198.51.100.99", 5060};
  FakeWorld world(config);
  world.dead = {kLineOne, kLineTwo};
  world.receive(kTrunkHop, invite());
  const Sent invited = find_request(world, Method::kInvite, *Hop::parse("udp:198.51.100.99:5060"));
  world.receive(invited.to, respond_to(invited.message, 200));
  CHECK(last_answer(world) == 200);
  CHECK(world.events[0].call().line() == "emergency");
}

TEST_CASE("Timer C ends a call that is neither ringing nor answered") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  const Sent invited = find_request(world, Method::kInvite, kLineOne);
  world.receive(kLineOne, respond_to(invited.message, 181));
  world.forget_sent();
  world.advance(seconds(184));
  CHECK(world.is_quiet());
  world.advance(seconds(2));
  CHECK(world.next().message.method() == Method::kCancel);
  world.advance(seconds(40));
  CHECK(last_answer(world) == 480);
  REQUIRE(world.events.size() == 1);
  CHECK(world.events[0].call().outcome() == v1::CALL_OUTCOME_NO_ANSWER);
}

TEST_CASE("the last line gets all of Timer B before the caller is told 408") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.advance(seconds(30));
  CHECK(last_answer(world) == 100);
  world.advance(seconds(7));
  CHECK(last_answer(world) == 408);
  REQUIRE(world.events.size() == 1);
  CHECK(world.events[0].call().outcome() == v1::CALL_OUTCOME_NO_ANSWER);
  world.advance(seconds(80));
  CHECK(world.core->timer_count() == 0);
}

}  // namespace ringtrace::sip::test
