// A process that is killed and replaced by one that remembers nothing, at each phase of a call.

#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {

using namespace std::chrono_literals;

namespace {

// Ends the call from the caller's side and checks that the BYE went through and closed the record once.
void hang_up_and_check(FakeWorld& world, const Message& answer) {
  const std::string bye = caller_request("BYE", answer, "z9hG4bK-bye", 9);
  world.receive(kTrunkHop, bye);
  const Sent passed = world.next();
  CHECK(first_line(passed.text).substr(0, 4) == "BYE ");
  world.receive(passed.to, respond_to(passed.message, 200));
  CHECK(world.next().message.status() == 200);
  world.advance(200ms);
  world.receive(kTrunkHop, bye);
  CHECK(world.next().message.status() == 200);
  CHECK(world.closings.size() == 1);
}

}  // namespace

TEST_CASE("killed before ringing: the caller's INVITE, sent again, is a new call and goes through") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.forget_sent();
  world.restart();
  world.receive(kTrunkHop, invite());
  CHECK(world.next().message.status() == 100);
  const Sent again = world.next();
  CHECK(first_line(again.text).substr(0, 7) == "INVITE ");
  world.receive(again.to, respond_to(again.message, 200));
  CHECK(world.next().message.status() == 200);
}

TEST_CASE("killed while ringing: the line's answers still reach the caller, and the call can be ended") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.receive(invited.to, respond_to(invited.message, 180));
  world.forget_sent();
  world.restart();

  world.receive(invited.to, respond_to(invited.message, 183));
  CHECK(world.next().message.status() == 183);
  world.receive(invited.to, respond_to(invited.message, 200));
  const Sent answer = world.next();
  CHECK(answer.message.status() == 200);
  CHECK(answer.to == kTrunkHop);
  world.receive(kTrunkHop, caller_request("ACK", answer.message, "z9hG4bK-ack", 1));
  CHECK(first_line(world.next().text).substr(0, 4) == "ACK ");
  hang_up_and_check(world, answer.message);
}

TEST_CASE("killed while ringing: a busy line's answer reaches the caller, and its ACK harms nothing") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.forget_sent();
  world.restart();
  world.receive(invited.to, respond_to(invited.message, 486));
  const Sent busy = world.next();
  CHECK(busy.message.status() == 486);
  world.receive(kTrunkHop, ack_failure({}, busy.message));
  CHECK(world.is_quiet());
}

TEST_CASE("killed while ringing: a CANCEL of what is not remembered gets 481") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.forget_sent();
  world.restart();
  world.receive(kTrunkHop, cancel());
  CHECK(world.next().message.status() == 481);
}

TEST_CASE("killed after 200 before ACK: the ACK reaches the line, the repeated 200 the caller") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.receive(invited.to, respond_to(invited.message, 200));
  const Sent answer = world.next();
  world.restart();
  world.receive(invited.to, respond_to(invited.message, 200));
  CHECK(world.next().message.status() == 200);
  world.receive(kTrunkHop, caller_request("ACK", answer.message, "z9hG4bK-ack", 1));
  const Sent ack = world.next();
  CHECK(first_line(ack.text).substr(0, 4) == "ACK ");
  CHECK(ack.to == *Hop::parse("udp:198.51.100.1:5070"));
  hang_up_and_check(world, answer.message);
}

TEST_CASE("killed while talking: re-INVITE and BYE go on; the record is closed once") {
  FakeWorld world;
  const Established call = establish(world);
  world.restart();
  world.receive(kTrunkHop, caller_request("INVITE", call.answer.message, "z9hG4bK-re", 5));
  CHECK(world.next().message.status() == 100);
  const Sent passed = world.next();
  world.receive(passed.to, respond_to(passed.message, 200));
  CHECK(world.next().message.status() == 200);
  hang_up_and_check(world, call.answer.message);
}

TEST_CASE("killed after the BYE was passed on: the answer, or the BYE sent again, still ends the call") {
  FakeWorld world;
  const Established call = establish(world);
  const std::string bye = caller_request("BYE", call.answer.message, "z9hG4bK-bye", 2);
  world.receive(kTrunkHop, bye);
  const Sent passed = world.next();
  world.restart();
  world.receive(passed.to, respond_to(passed.message, 200));
  CHECK(world.next().message.status() == 200);
  // The answer alone names no call; without the BYE again the record ends by its age.
  world.receive(kTrunkHop, bye);
  const Sent again = world.next();
  world.receive(again.to, respond_to(again.message, 481));
  CHECK(world.next().message.status() == 481);
  CHECK(world.closings.size() == 1);
}

}  // namespace ringtrace::sip::test
