// A process that is killed and replaced by one that remembers nothing, at each phase of a call.

#include <catch2/catch.hpp>

#include "proto/from_pool.h"
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
  CHECK(world.next().message.method() == Method::kAck);
  world.receive(kTrunkHop, ack_failure({}, busy.message));
  CHECK(world.is_quiet());
}

TEST_CASE("killed before ringing: the answers of an unknown call tell it, each once") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  const std::string call_id = header(invited.text, "X-Ringtrace-Call");
  const WallTime start = world.now.wall;
  world.advance(200ms);
  world.restart();
  world.queries.clear();

  for (const int status : {100, 180, 180, 200, 200}) {
    world.advance(1s);
    world.receive(invited.to, respond_to(invited.message, status));
  }
  REQUIRE(world.resumed.size() == 2);
  const v1::CallEvent& ringing = world.resumed[0];
  CHECK(ringing.event_id() == call_id + "-ringing");
  CHECK(ringing.type() == v1::CALL_EVENT_TYPE_RINGING);
  CHECK(ringing.call().call_id() == call_id);
  CHECK(ringing.call().sip_call_id() == "call-1@caller");
  CHECK(ringing.call().dialed_number() == "+74950000001");
  CHECK(ringing.call().caller() == "+79161234567");
  CHECK(ringing.call().trunk() == "carrier");
  CHECK(ringing.call().line() == "one");
  CHECK(ringing.call().resolution().visit().visit_id() == "visit 7");
  CHECK(from_timestamp(ringing.call().start_time()) == start);
  const v1::CallEvent& answered = world.resumed[1];
  CHECK(answered.event_id() == call_id + "-answered");
  CHECK(from_timestamp(answered.call().answer_time()) == start + 4200ms);
  // Who held the number is asked for the moment the call came in.
  REQUIRE_FALSE(world.queries.empty());
  CHECK(world.queries[0].at == start);
  CHECK(world.events.empty());
}

TEST_CASE(
    "killed before the final answer: each failure ends the record with its outcome, and is acknowledged") {
  struct Case {
    int status;
    v1::CallOutcome outcome;
  };
  const Case c = GENERATE(Case{486, v1::CALL_OUTCOME_BUSY}, Case{480, v1::CALL_OUTCOME_NO_ANSWER},
                          Case{487, v1::CALL_OUTCOME_CANCELLED}, Case{503, v1::CALL_OUTCOME_FAILED});
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.restart();
  for (int again = 0; again < 2; ++again) {
    world.receive(invited.to, respond_to(invited.message, c.status));
    CHECK(world.next().message.status() == c.status);
    const Sent ack = world.next();
    CHECK(ack.to == invited.to);
    CHECK(ack.message.method() == Method::kAck);
    CHECK(ack.message.via(0).branch == invited.message.via(0).branch);
    CHECK(ack.message.via_count() == 1);
    CHECK(ack.message.to_tag() == "line-tag");
    CHECK(header(ack.text, "CSeq") == "1 ACK");
  }
  REQUIRE(world.resumed.size() == 1);
  CHECK(world.resumed[0].type() == v1::CALL_EVENT_TYPE_ENDED);
  CHECK(world.resumed[0].call().outcome() == c.outcome);
  CHECK(world.resumed[0].call().sip_status() == c.status);
}

TEST_CASE("a caller who did not want to be known is not told after a restart either") {
  FakeWorld world;
  world.receive(kTrunkHop, invite({.extra = "Privacy: id\r\n"}));
  world.next();
  const Sent invited = world.next();
  world.restart();
  world.receive(invited.to, respond_to(invited.message, 180));
  REQUIRE(world.resumed.size() == 1);
  CHECK(world.resumed[0].call().caller().empty());
  REQUIRE(world.queries.size() == 2);
  CHECK_FALSE(world.queries[1].caller == world.queries[1].dialed);
  CHECK(world.queries[1].caller == pool::Number{});
}

TEST_CASE("what an answered call's losing attempt says after a restart does not end it") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.restart();
  world.receive(invited.to, respond_to(invited.message, 200));
  world.receive(invited.to, respond_to(invited.message, 487));
  CHECK(world.resumed.size() == 1);
}

TEST_CASE("a call of this process is told by its record alone") {
  FakeWorld world;
  establish(world);
  world.advance(5min);
  world.forget_sent();
  CHECK(world.resumed.empty());
  CHECK(world.events.size() == 2);
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

TEST_CASE("killed while talking: a BYE with another tag, which the line does not know, closes nothing") {
  FakeWorld world;
  const Established call = establish(world);
  const bool passed_before = GENERATE(true, false);
  if (!passed_before) world.restart();
  std::string bye = caller_request("BYE", call.answer.message, "z9hG4bK-bye", 2);
  bye.replace(bye.find("tag=line-tag"), 12, "tag=fork-tag");
  world.receive(kTrunkHop, bye);
  const Sent passed = world.next();
  if (passed_before) world.restart();
  world.receive(passed.to, respond_to(passed.message, 481));
  CHECK(world.next().message.status() == 481);
  CHECK(world.closings.empty());
}

TEST_CASE("killed after the line's BYE was passed on: the caller's answer ends the call") {
  FakeWorld world;
  const Established call = establish(world);
  world.receive(kLineOne, line_request("BYE", call.invited.message, "z9hG4bK-lb", 11));
  const Sent passed = world.next();
  world.restart();
  world.receive(kTrunkHop, respond_to(passed.message, 200));
  CHECK(world.next().to == kLineOne);
  REQUIRE(world.closings.size() == 1);
  CHECK(world.closings[0].caller_tag == "caller-tag");
  CHECK(world.closings[0].line_tag == "line-tag");
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
  REQUIRE(world.closings.size() == 1);
  CHECK(world.closings[0].call_id == header(call.invited.text, "X-Ringtrace-Call"));
  CHECK(world.closings[0].caller_tag == "caller-tag");
  CHECK(world.closings[0].line_tag == "line-tag");
  world.receive(kTrunkHop, bye);
  const Sent again = world.next();
  world.receive(again.to, respond_to(again.message, 481));
  CHECK(world.next().message.status() == 481);
}

}  // namespace ringtrace::sip::test
