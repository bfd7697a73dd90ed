#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {

using namespace std::chrono_literals;

namespace {

std::string with_header(std::string response, const std::string& line) {
  response.insert(response.find("Content-Length: "), line + "\r\n");
  return response;
}

Established establish_with(FakeWorld& world, const std::string& supported, const std::string& accepted) {
  world.receive(kTrunkHop, invite({.extra = supported}));
  world.next();
  Established call;
  call.invited = world.next();
  std::string response = respond_to(call.invited.message, 200);
  if (!accepted.empty()) response = with_header(response, accepted);
  world.receive(call.invited.to, response);
  call.answer = world.next();
  return call;
}

}  // namespace

TEST_CASE("RFC 4028: a call without a session timer is asked to have one") {
  FakeWorld world;
  const std::string extra = GENERATE("", "k: timer, 100rel\r\n");
  const Established call = establish_with(world, extra, "");
  CHECK(header(call.invited.text, "Session-Expires") == "1800");
  // The line does not know timers; the caller refreshes where it can.
  CHECK(header(call.answer.text, "Session-Expires") == (extra.empty() ? "" : "1800;refresher=uac"));
  CHECK(header(call.answer.text, "Require") == (extra.empty() ? "" : "timer"));
}

TEST_CASE("what the sides agree on themselves is not touched") {
  FakeWorld world;
  const Established call =
      establish_with(world, "Supported: timer\r\nx: 600;refresher=uac\r\nMin-SE: 300\r\n",
                     "Session-Expires: 600;refresher=uas");
  CHECK(header(call.invited.text, "Session-Expires").empty());
  CHECK(header(call.invited.text, "x") == "600;refresher=uac");
  CHECK(header(call.answer.text, "Session-Expires") == "600;refresher=uas");
  CHECK(header(call.answer.text, "Require").empty());
}

TEST_CASE("a caller's Min-SE is respected, a line's 422 passed up") {
  FakeWorld world;
  world.receive(kTrunkHop, invite({.extra = "Supported: timer\r\nMin-SE: 3600\r\n"}));
  world.next();
  const Sent invited = world.next();
  CHECK(header(invited.text, "Session-Expires") == "3600");
  world.receive(invited.to, with_header(respond_to(invited.message, 422), "Min-SE: 7200"));
  CHECK(first_line(world.next().text).substr(0, 4) == "ACK ");
  const Sent answer = world.next();
  CHECK(answer.message.status() == 422);
  CHECK(header(answer.text, "Min-SE") == "7200");
}

TEST_CASE("RFC 4028 section 8.2: who refreshes with a side that knows no timers goes on doing so") {
  FakeWorld world;
  const Established call = establish_with(world, "Supported: timer\r\n", "");
  world.receive(kTrunkHop, caller_request("ACK", call.answer.message, "z9hG4bK-ack", 1));
  world.forget_sent();
  const std::string method = GENERATE("INVITE", "UPDATE");
  const std::string extra =
      GENERATE("Supported: timer\r\nSession-Expires: 600;refresher=uac", "Supported: timer");
  const bool asked = extra.size() > 20;
  world.advance(60s);
  world.receive(kTrunkHop, with_header(caller_request(method, call.answer.message, "z9hG4bK-re", 2), extra));
  Sent passed = world.next();
  if (!passed.message.is_request()) passed = world.next();
  world.receive(passed.to, respond_to(passed.message, 200));
  const Sent answer = world.next();
  CHECK(header(answer.text, "Session-Expires") == (asked ? "600;refresher=uac" : ""));
  CHECK(header(answer.text, "Require") == (asked ? "timer" : ""));
  // And is missed when it does not.
  world.advance(655s);
  CHECK(world.stats.live_calls == 1);
  world.advance(10s);
  CHECK(world.stats.live_calls == (asked ? 0u : 1u));
}

TEST_CASE("a call that nobody refreshes is closed, one that is refreshed lives to its maximum age") {
  FakeWorld world;
  const bool refreshed = GENERATE(false, true);
  const Established call =
      establish_with(world, "Supported: timer\r\n", "Session-Expires: 600;refresher=uas");
  world.forget_sent();
  world.advance(550s);
  if (refreshed) {
    world.receive(kLineOne, line_request("UPDATE", call.invited.message, "z9hG4bK-update", 1));
    const Sent update = world.next();
    world.receive(kTrunkHop,
                  with_header(respond_to(update.message, 200), "Session-Expires: 600;refresher=uac"));
  }
  world.advance(100s);
  CHECK(world.stats.live_calls == 1);
  world.advance(20s);
  CHECK(world.stats.live_calls == (refreshed ? 1u : 0u));
  if (!refreshed) CHECK(world.events.back().call().outcome() == v1::CALL_OUTCOME_UNKNOWN_END);
  world.advance(600s);
  CHECK(world.stats.live_calls == 0);
}

}  // namespace ringtrace::sip::test
