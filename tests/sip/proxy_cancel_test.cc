#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {

using std::chrono::seconds;

TEST_CASE("a CANCEL after ringing is answered at once, passed on, and ends in the line's 487") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.receive(kLineOne, respond_to(invited.message, 180));
  world.next();
  world.advance(seconds(7));

  world.receive(kTrunkHop, cancel());
  const Sent accepted = world.next();
  CHECK(accepted.message.status() == 200);
  CHECK(header(accepted.text, "CSeq") == "1 CANCEL");
  const Sent cancelled = world.next();
  CHECK(cancelled.to == kLineOne);
  CHECK(first_line(cancelled.text) == "CANCEL sip:+74950000001@198.51.100.1:5060 SIP/2.0");
  CHECK(header(cancelled.text, "Via") == header(invited.text, "Via"));

  world.receive(kTrunkHop, cancel());
  CHECK(world.next().message.status() == 200);
  CHECK(world.is_quiet());

  world.receive(kLineOne, respond_to(cancelled.message, 200));
  world.receive(kLineOne, respond_to(invited.message, 487));
  CHECK(first_line(world.next().text).substr(0, 4) == "ACK ");
  const Sent over = world.next();
  CHECK(over.message.status() == 487);
  world.receive(kTrunkHop, ack_failure({}, over.message));
  world.advance(seconds(40));
  CHECK(world.is_quiet());
  CHECK(world.core->timer_count() == 0);
  REQUIRE(world.events.size() == 2);
  CHECK(world.events[1].call().outcome() == v1::CALL_OUTCOME_CANCELLED);
  CHECK(world.events[1].call().ring_duration().seconds() == 7);
  CHECK(world.events[1].call().talk_duration().seconds() == 0);
}

TEST_CASE("a CANCEL before any provisional answer waits for one") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.receive(kTrunkHop, cancel());
  CHECK(world.next().message.status() == 200);
  CHECK(world.is_quiet());

  world.receive(kLineOne, respond_to(invited.message, 100));
  CHECK(first_line(world.next().text).substr(0, 7) == "CANCEL ");
  world.receive(kLineOne, respond_to(invited.message, 487));
  world.next();
  CHECK(world.next().message.status() == 487);
  REQUIRE(world.events.size() == 1);
  CHECK(world.events[0].call().outcome() == v1::CALL_OUTCOME_CANCELLED);
}

TEST_CASE("a caller who hangs up on a silent line is let go, and no other line rings") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  world.next();
  world.receive(kTrunkHop, cancel());
  world.next();
  world.advance(seconds(5));
  bool over = false;
  while (!world.is_quiet()) {
    const Sent sent = world.next();
    CHECK(sent.to != kLineTwo);
    over = over || (!sent.message.is_request() && sent.message.status() == 487);
  }
  CHECK(over);
}

TEST_CASE("a silent line whose caller has been let go is cancelled when it wakes up after all") {
  ProxyConfig config = FakeWorld::default_config();
  config.line_groups[0].lines.resize(1);
  FakeWorld world(config);
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.receive(kTrunkHop, cancel());
  world.advance(seconds(6));
  world.forget_sent();
  world.receive(kLineOne, respond_to(invited.message, 180));
  const Sent cancelled = world.next();
  CHECK(cancelled.to == kLineOne);
  CHECK(cancelled.message.method() == Method::kCancel);
  CHECK(world.is_quiet());
  world.receive(kLineOne, respond_to(cancelled.message, 200));
  world.receive(kLineOne, respond_to(invited.message, 487));
  CHECK(world.next().message.method() == Method::kAck);
  CHECK(world.is_quiet());
  REQUIRE(world.events.size() == 1);
  CHECK(world.events[0].call().outcome() == v1::CALL_OUTCOME_CANCELLED);
  world.advance(seconds(70));
  CHECK(world.core->timer_count() == 0);
}

TEST_CASE("a CANCEL of a failed call is answered and passed on to nobody, until the call is forgotten") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.receive(kLineOne, respond_to(invited.message, 486));
  world.next();
  const Sent busy = world.next();
  const auto answer_to_cancel = [&world] {
    world.receive(kTrunkHop, cancel());
    const int status = world.next().message.status();
    CHECK(world.is_quiet());
    return status;
  };
  CHECK(answer_to_cancel() == 200);  // completed: its ACK is waited for
  world.receive(kTrunkHop, ack_failure({}, busy.message));
  CHECK(answer_to_cancel() == 200);  // confirmed
  world.advance(seconds(33));
  CHECK(answer_to_cancel() == 481);
  REQUIRE(world.events.size() == 1);
  CHECK(world.events[0].call().outcome() == v1::CALL_OUTCOME_BUSY);
}

TEST_CASE("an answer that races the CANCEL is passed on, and the call is answered") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.receive(kLineOne, respond_to(invited.message, 180));
  world.next();
  world.receive(kTrunkHop, cancel());
  world.next();
  const Sent cancelled = world.next();
  world.receive(kLineOne, respond_to(invited.message, 200));
  const Sent answer = world.next();
  CHECK(answer.message.status() == 200);
  world.receive(kLineOne, respond_to(cancelled.message, 481));
  CHECK(world.is_quiet());
  world.receive(kTrunkHop, caller_request("ACK", answer.message, "z9hG4bK-a", 1));
  world.next();
  world.receive(kTrunkHop, caller_request("BYE", answer.message, "z9hG4bK-b", 2));
  const Sent bye = world.next();
  world.receive(bye.to, respond_to(bye.message, 200));
  REQUIRE(world.events.size() == 3);
  CHECK(world.events[2].call().outcome() == v1::CALL_OUTCOME_ANSWERED);
}

TEST_CASE("a CANCEL after the final answer changes nothing; one of nothing gets 481") {
  FakeWorld world;
  const Established call = establish(world);
  world.receive(kTrunkHop, cancel());
  CHECK(world.next().message.status() == 200);
  CHECK(world.is_quiet());
  world.receive(kTrunkHop, cancel({.branch = "z9hG4bK-other"}));
  CHECK(world.next().message.status() == 481);
  CHECK(world.events.size() == 2);
}

TEST_CASE("a cancelled line that never gives its final answer does not keep the call") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.receive(kLineOne, respond_to(invited.message, 180));
  world.receive(kTrunkHop, cancel());
  world.advance(seconds(33));
  REQUIRE(world.events.size() == 2);
  CHECK(world.events[1].call().outcome() == v1::CALL_OUTCOME_CANCELLED);
  CHECK(world.events[1].call().sip_status() == 487);
  world.advance(seconds(70));
  CHECK(world.core->timer_count() == 0);
}

}  // namespace ringtrace::sip::test
