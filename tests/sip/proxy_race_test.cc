// Answers that come late, twice, from two forks, or at the same time as something else.

#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {

using namespace std::chrono_literals;

TEST_CASE("a 200 that comes after the cancelled attempt was given up still reaches the caller") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.receive(invited.to, respond_to(invited.message, 180));
  world.receive(kTrunkHop, cancel());
  // The line never answers CANCEL nor INVITE; the caller is told 487 and acknowledges.
  world.advance(33s);
  world.forget_sent();
  REQUIRE(world.events.back().call().outcome() == v1::CALL_OUTCOME_CANCELLED);
  const std::size_t events = world.events.size();

  world.receive(invited.to, respond_to(invited.message, 200));
  const Sent late = world.next();
  CHECK(late.message.status() == 200);
  CHECK(late.to == kTrunkHop);
  CHECK(world.events.size() == events);
}

TEST_CASE("a 2xx sent again long after its transaction is passed on by its branch alone") {
  FakeWorld world;
  const Established call = establish(world);
  world.advance(120s);
  CHECK(world.stats.live_transactions == 0);
  world.receive(kLineOne, respond_to(call.invited.message, 200));
  CHECK(world.next().message.status() == 200);
  CHECK(world.events.size() == 2);
}

TEST_CASE("two forks that both answer both reach the caller; the first one is the call") {
  FakeWorld world;
  const Established call = establish(world);
  world.receive(kLineOne, respond_to(call.invited.message, 200, "other-fork"));
  const Sent second = world.next();
  CHECK(second.message.status() == 200);
  CHECK(second.message.to_tag() == "other-fork");

  // The caller ends the second: the call goes on.
  world.receive(kTrunkHop, caller_request("BYE", second.message, "z9hG4bK-bye-2", 2));
  const Sent bye = world.next();
  world.receive(bye.to, respond_to(bye.message, 200));
  CHECK(world.next().message.status() == 200);
  CHECK(world.stats.live_calls == 1);

  world.receive(kTrunkHop, caller_request("BYE", call.answer.message, "z9hG4bK-bye-1", 2));
  const Sent last = world.next();
  world.receive(last.to, respond_to(last.message, 200));
  CHECK(world.stats.live_calls == 0);
  CHECK(world.events.back().call().outcome() == v1::CALL_OUTCOME_ANSWERED);
}

TEST_CASE("re-INVITEs of both sides at once pass each other, and so do their 491s") {
  FakeWorld world;
  const Established call = establish(world);
  world.receive(kTrunkHop, caller_request("INVITE", call.answer.message, "z9hG4bK-re-1", 2));
  CHECK(world.next().message.status() == 100);
  const Sent to_line = world.next();
  world.receive(kLineOne, line_request("INVITE", call.invited.message, "z9hG4bK-re-2", 1));
  CHECK(world.next().message.status() == 100);
  const Sent to_caller = world.next();
  CHECK(to_line.to != to_caller.to);

  world.receive(to_line.to, respond_to(to_line.message, 491));
  CHECK(first_line(world.next().text).substr(0, 4) == "ACK ");
  const Sent caller_told = world.next();
  CHECK(caller_told.message.status() == 491);
  CHECK(caller_told.to == kTrunkHop);
  world.receive(to_caller.to, respond_to(to_caller.message, 491));
  CHECK(first_line(world.next().text).substr(0, 4) == "ACK ");
  const Sent line_told = world.next();
  CHECK(line_told.message.status() == 491);
  CHECK(line_told.to == kLineOne);
  CHECK(world.events.size() == 2);
}

TEST_CASE("RFC 3262, RFC 3311, RFC 3515: PRACK, UPDATE and REFER inside a dialog go by Route") {
  FakeWorld world;
  const Established call = establish(world);
  const std::string method = GENERATE("PRACK", "UPDATE", "REFER", "INFO", "NOTIFY", "MESSAGE");
  world.receive(kTrunkHop, caller_request(method, call.answer.message, "z9hG4bK-in", 3));
  const Sent passed = world.next();
  CHECK(first_line(passed.text).substr(0, method.size()) == method);
  CHECK(header(passed.text, "Route").empty());
  world.receive(passed.to, respond_to(passed.message, 202));
  CHECK(world.next().message.status() == 202);
}

TEST_CASE("a caller of RFC 2543, without branch or tag, is served; its ACK and CANCEL find their call") {
  FakeWorld world;
  const auto old = [](std::string text) {
    text.replace(text.find(";branch=z9hG4bK-caller-1"), 24, "");
    text.replace(text.find(";tag=caller-tag"), 15, "");
    return text;
  };
  world.receive(kTrunkHop, old(invite()));
  CHECK(world.next().message.status() == 100);
  const Sent invited = world.next();
  world.receive(kTrunkHop, old(invite()));
  CHECK(world.next().message.status() == 100);
  CHECK(world.stats.calls_started == 1);
  world.receive(invited.to, respond_to(invited.message, 180));
  world.next();
  world.receive(kTrunkHop, old(cancel()));
  CHECK(world.next().message.status() == 200);
  const Sent cancelled = world.next();
  CHECK(first_line(cancelled.text).substr(0, 7) == "CANCEL ");
  world.receive(cancelled.to, respond_to(cancelled.message, 200));
  world.receive(invited.to, respond_to(invited.message, 487));
  CHECK(first_line(world.next().text).substr(0, 4) == "ACK ");
  const Sent ended = world.next();
  CHECK(ended.message.status() == 487);
  world.receive(kTrunkHop, old(ack_failure({}, ended.message)));
  world.advance(10s);
  CHECK(world.is_quiet());
}

}  // namespace ringtrace::sip::test
