// Each timer of RFC 3261 section 17, RFC 6026 and RFC 4320 as the peers see it, in virtual time.

#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

const Hop kCallerOverTcp{Transport::kTcp, kTrunkHop.endpoint};

ProxyConfig one_line() {
  ProxyConfig config = FakeWorld::default_config();
  config.line_groups[0].lines.resize(1);
  return config;
}

// When messages that begin with `start` go to `to` within `time` from now; others are passed over.
std::vector<milliseconds> sent_at(FakeWorld& world, milliseconds time, const Hop& to,
                                  const std::string& start) {
  std::vector<milliseconds> times;
  for (milliseconds now = 0ms;; now += TimerQueue::kTick) {
    while (!world.is_quiet()) {
      const Sent sent = world.next();
      if (sent.to == to && first_line(sent.text).starts_with(start)) times.push_back(now);
    }
    if (now >= time) return times;
    world.advance(TimerQueue::kTick);
  }
}

using Times = std::vector<milliseconds>;
const Times kDoubling = {500ms, 1500ms, 3500ms, 7500ms, 15'500ms, 31'500ms};
const Times kUpToT2 = {500ms,    1500ms,   3500ms,   7500ms,   11'500ms,
                       15'500ms, 19'500ms, 23'500ms, 27'500ms, 31'500ms};

// A call whose line has answered with `status`, as the caller was told.
struct Answered {
  Sent invited;
  Sent answer;
};
Answered answered(FakeWorld& world, int status, const Hop& caller = kTrunkHop) {
  world.receive(caller, invite());
  world.next();
  const Sent invited = world.next();
  world.receive(invited.to, respond_to(invited.message, status));
  Sent answer = world.next();
  if (answer.message.is_request()) answer = world.next();  // the ACK to the line came first
  REQUIRE(answer.message.status() == status);
  return {invited, answer};
}

// A BYE of the caller's, as the line got it.
Sent bye(FakeWorld& world, const Message& answer, const Hop& caller = kTrunkHop) {
  world.receive(caller, caller_request("BYE", answer, "z9hG4bK-bye", 2));
  const Sent passed = world.next();
  REQUIRE(passed.message.method() == Method::kBye);
  return passed;
}

}  // namespace

TEST_CASE(
    "Timers A and B: an INVITE is repeated at doubling intervals, and after 64*T1 the caller told 408") {
  FakeWorld world(one_line());
  world.receive(kTrunkHop, invite());
  world.forget_sent();
  CHECK(sent_at(world, 31'990ms, kLineOne, "INVITE ") == kDoubling);
  CHECK(sent_at(world, 10ms, kTrunkHop, "SIP/2.0 408") == Times{10ms});
  CHECK(sent_at(world, 60s, kLineOne, "INVITE ").empty());
}

TEST_CASE("Timer C: each provisional answer but 100 begins it anew") {
  FakeWorld world(one_line());
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  const int status = GENERATE(100, 181);
  world.receive(kLineOne, respond_to(invited.message, 181));
  world.advance(100s);
  world.receive(kLineOne, respond_to(invited.message, status));
  world.forget_sent();
  const milliseconds left = status == 100 ? 85s : 185s;
  CHECK(sent_at(world, left - 10ms, kLineOne, "CANCEL ").empty());
  CHECK(sent_at(world, 20ms, kLineOne, "CANCEL ").size() == 1);
}

TEST_CASE("Timer D: a failure sent again by the line is acknowledged for 32 s, and not passed on again") {
  FakeWorld world;
  const Answered call = answered(world, 486);
  world.receive(kTrunkHop, ack_failure({}, call.answer.message));
  for (int i = 0; i < 4; ++i) {
    world.advance(i < 3 ? 10s : 1990ms);
    world.receive(kLineOne, respond_to(call.invited.message, 486));
    const Sent ack = world.next();
    CHECK(ack.to == kLineOne);
    CHECK(ack.message.method() == Method::kAck);
    CHECK(world.is_quiet());
  }
  CHECK(world.stats.live_transactions == 1);
  world.advance(10ms + TimerQueue::kTidy);
  CHECK(world.stats.live_transactions == 0);
}

TEST_CASE("Timers E and F: a BYE is repeated up to every T2 until 64*T1, its sender told 100 and no 408") {
  FakeWorld world;
  const Established call = establish(world);
  const Hop line = bye(world, call.answer.message).to;
  const bool provisional = GENERATE(false, true);
  if (provisional) {
    world.receive(kTrunkHop, caller_request("INFO", call.answer.message, "z9hG4bK-info", 3));
    const Sent info = world.next();
    world.receive(info.to, respond_to(info.message, 183));
    CHECK(world.is_quiet());  // RFC 4320 section 4.1: no 1xx but 100
    CHECK(sent_at(world, 31'990ms, line, "INFO ") ==
          Times{500ms, 4500ms, 8500ms, 12'500ms, 16'500ms, 20'500ms, 24'500ms, 28'500ms});
  } else {
    CHECK(sent_at(world, 31'990ms, line, "BYE ") == kUpToT2);
  }
  CHECK(sent_at(world, 60s, line, "").empty());
  CHECK(world.stats.live_transactions == 0);
}

TEST_CASE("RFC 4320 section 4.1: who waits for the answer to a BYE is told 100 when Timer E has reached T2") {
  FakeWorld world;
  const Established call = establish(world);
  const Hop caller = GENERATE(kTrunkHop, kCallerOverTcp);
  const bool answered_before = GENERATE(false, true);
  const Sent passed = bye(world, call.answer.message, caller);
  CHECK(sent_at(world, 3490ms, caller, "SIP/2.0").empty());
  if (answered_before) {
    world.receive(passed.to, respond_to(passed.message, 200));
    world.next();
    CHECK(sent_at(world, 40s, caller, "SIP/2.0").empty());
    return;
  }
  CHECK(sent_at(world, 10ms, caller, "SIP/2.0 100") == Times{10ms});
  // Who asks again is told so again, and then the answer.
  world.receive(caller, caller_request("BYE", call.answer.message, "z9hG4bK-bye", 2));
  CHECK(world.next().message.status() == 100);
  world.receive(passed.to, respond_to(passed.message, 200));
  CHECK(world.next().message.status() == 200);
}

TEST_CASE("RFC 4320 section 4.2: an answer that comes too late goes nowhere, nor does a 408") {
  FakeWorld world;
  const Established call = establish(world);
  const Sent passed = bye(world, call.answer.message);
  const bool restarted = GENERATE(false, true);
  if (restarted) {
    world.restart();
  } else {
    world.advance(40s);
  }
  world.forget_sent();
  world.receive(passed.to, respond_to(passed.message, 408));
  world.receive(passed.to, respond_to(passed.message, 183));
  CHECK(world.is_quiet());
  // Another process has not waited for it.
  world.receive(passed.to, respond_to(passed.message, 200));
  CHECK(world.is_quiet() == !restarted);
}

TEST_CASE("Timers G and H: a failure is repeated up to every T2 until it is acknowledged, or for 64*T1") {
  FakeWorld world;
  answered(world, 486);
  CHECK(sent_at(world, 31'990ms, kTrunkHop, "SIP/2.0 486") == kUpToT2);
  CHECK(sent_at(world, 60s, kTrunkHop, "").empty());
}

TEST_CASE("Timer G does not run over TCP") {
  FakeWorld world;
  answered(world, 486, kCallerOverTcp);
  CHECK(sent_at(world, 60s, kCallerOverTcp, "").empty());
}

TEST_CASE("Timer I: a repeated ACK of a failure ends here for T4") {
  // Over TCP nothing of the line's is waited for: what stays is the caller's side alone.
  ProxyConfig config = FakeWorld::default_config();
  config.listen.push_back({"198.18.0.1", 5060, Transport::kTcp, ""});
  config.line_groups[0].lines[0].transport = Transport::kTcp;
  FakeWorld world(config);
  const Answered call = answered(world, 486);
  const std::string ack = ack_failure({}, call.answer.message);
  for (const milliseconds step : {0ms, 4990ms}) {
    world.advance(step);
    world.receive(kTrunkHop, ack);
    world.receive(kTrunkHop, invite());  // and so does the INVITE, unanswered
    CHECK(world.is_quiet());
  }
  CHECK(world.refused(Refusal::kUnmatchedAck) == 0);
  CHECK(world.stats.live_transactions == 1);
  world.advance(10ms + TimerQueue::kTidy);
  CHECK(world.stats.live_transactions == 0);
}

TEST_CASE("Timer J: a repeated BYE gets its answer again for 64*T1") {
  FakeWorld world;
  const Established call = establish(world);
  const Sent passed = bye(world, call.answer.message);
  world.receive(passed.to, respond_to(passed.message, 200));
  world.next();
  const std::string again = caller_request("BYE", call.answer.message, "z9hG4bK-bye", 2);
  world.advance(31'990ms);
  world.receive(kTrunkHop, again);
  CHECK(world.next().message.status() == 200);
  CHECK(world.is_quiet());
  world.advance(10ms + TimerQueue::kTidy);
  CHECK(world.stats.live_transactions == 0);
}

TEST_CASE("Timer K: a repeated answer to a BYE ends here for T4") {
  FakeWorld world;
  const Established call = establish(world);
  world.advance(40s);
  // Over TCP nothing of the caller's is waited for: what stays is the line's side alone.
  const Sent passed = bye(world, call.answer.message, kCallerOverTcp);
  world.receive(passed.to, respond_to(passed.message, 200));
  CHECK(world.next().message.status() == 200);
  world.advance(4990ms);
  world.receive(passed.to, respond_to(passed.message, 200));
  CHECK(world.is_quiet());
  CHECK(world.stats.live_transactions == 1);
  world.advance(10ms + TimerQueue::kTidy);
  CHECK(world.stats.live_transactions == 0);
}

TEST_CASE("Timers L and M: for 64*T1 after a 2xx INVITEs end here, and each 2xx reaches the caller") {
  FakeWorld world;
  const Answered call = answered(world, 200);
  for (int i = 0; i < 4; ++i) {
    world.advance(i < 3 ? 10s : 1990ms);
    world.receive(kTrunkHop, invite());
    CHECK(world.is_quiet());
    world.receive(kLineOne, respond_to(call.invited.message, 200));
    CHECK(world.next().message.status() == 200);
  }
  CHECK(world.stats.calls_started == 1);
  CHECK(world.stats.live_transactions == 1);
  world.advance(10ms + TimerQueue::kTidy);
  CHECK(world.stats.live_transactions == 0);
}

}  // namespace ringtrace::sip::test
