#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("a call reaches the line with the visit in its headers and is told in three events") {
  FakeWorld world;
  world.receive(kTrunkHop,
                invite({.extra = "X-Ringtrace-Visit: forged\r\nX-Roistat: forged\r\nX-Other: kept\r\n"}));

  const Sent trying = world.next();
  CHECK(trying.to == kTrunkHop);
  CHECK(trying.message.status() == 100);

  const Sent invited = world.next();
  CHECK(invited.to == kLineOne);
  CHECK(first_line(invited.text) == "INVITE sip:+74950000001@198.51.100.1:5060 SIP/2.0");
  CHECK(header(invited.text, "Max-Forwards") == "69");
  CHECK(headers(invited.text, "X-Ringtrace-Visit") == std::vector<std::string>{"visit%207"});
  CHECK(headers(invited.text, "x-roistat") == std::vector<std::string>{"visit%207"});
  CHECK(headers(invited.text, "X-Roistat").empty());
  CHECK(header(invited.text, "X-Ringtrace-Source") == "google/cpc");
  CHECK(header(invited.text, "X-Other") == "kept");
  const std::string call_id = header(invited.text, "X-Ringtrace-Call");
  CHECK(call_id.size() == 26);
  REQUIRE(headers(invited.text, "Via").size() == 2);
  CHECK(headers(invited.text, "Via")[1] ==
        "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-caller-1;received=192.0.2.10;rport=5060");
  CHECK(header(invited.text, "Record-Route").find("sip:198.18.0.1:5060;lr;c=" + call_id) !=
        std::string::npos);
  REQUIRE(world.queries.size() == 1);
  CHECK(world.queries[0].dialed.to_string() == "+74950000001");
  CHECK(world.queries[0].caller.to_string() == "+79161234567");

  world.receive(kLineOne, respond_to(invited.message, 100));
  CHECK(world.is_quiet());
  world.advance(seconds(2));
  world.receive(kLineOne, respond_to(invited.message, 180));
  const Sent ringing = world.next();
  CHECK(ringing.to == kTrunkHop);
  CHECK(ringing.message.status() == 180);
  CHECK(headers(ringing.text, "Via").size() == 1);
  CHECK_FALSE(header(ringing.text, "Record-Route").empty());
  world.receive(kLineOne, respond_to(invited.message, 183));
  CHECK(world.next().message.status() == 183);

  world.advance(seconds(3));
  world.receive(kLineOne, respond_to(invited.message, 200));
  const Sent answer = world.next();
  CHECK(answer.message.status() == 200);
  world.receive(kTrunkHop, caller_request("ACK", answer.message, "z9hG4bK-ack", 1));
  const Sent ack = world.next();
  CHECK(first_line(ack.text) == "ACK sip:desk@198.51.100.1:5070 SIP/2.0");
  CHECK(ack.to == Hop::parse("udp:198.51.100.1:5070"));
  CHECK(header(ack.text, "Route").empty());

  world.advance(seconds(60));
  world.receive(kTrunkHop, caller_request("BYE", answer.message, "z9hG4bK-bye", 2));
  const Sent bye = world.next();
  CHECK(first_line(bye.text) == "BYE sip:desk@198.51.100.1:5070 SIP/2.0");
  CHECK(world.events.size() == 2);
  world.receive(bye.to, respond_to(bye.message, 200));
  CHECK(world.next().message.status() == 200);

  REQUIRE(world.events.size() == 3);
  CHECK(world.events[0].event_id() == call_id + "-ringing");
  CHECK(world.events[1].event_id() == call_id + "-answered");
  CHECK(world.events[2].event_id() == call_id + "-ended");
  const v1::Call& call = world.events[2].call();
  CHECK(call.state() == v1::CALL_STATE_ENDED);
  CHECK(call.outcome() == v1::CALL_OUTCOME_ANSWERED);
  CHECK(call.sip_status() == 200);
  CHECK(call.ring_duration().seconds() == 5);
  CHECK(call.talk_duration().seconds() == 60);
  CHECK(call.caller() == "+79161234567");
  CHECK(call.dialed_number() == "+74950000001");
  CHECK(call.trunk() == "carrier");
  CHECK(call.line() == "one");
  CHECK(call.sip_call_id() == "call-1@caller");
  CHECK(call.resolution().visit().visit_id() == "visit 7");

  world.advance(seconds(70));
  CHECK(world.is_quiet());
  CHECK(world.core->is_idle());
  CHECK(world.core->timer_count() == 0);
  CHECK(world.stats.live_calls == 0);
  CHECK(world.stats.live_transactions == 0);
  CHECK(world.events.size() == 3);
}

TEST_CASE("retransmissions are absorbed, and answered from memory") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.receive(kTrunkHop, invite());
  CHECK(world.next().message.status() == 100);
  CHECK(world.is_quiet());

  world.receive(kLineOne, respond_to(invited.message, 180));
  world.next();
  world.advance(milliseconds(100));
  world.receive(kTrunkHop, invite());
  CHECK(world.next().message.status() == 180);
  CHECK(world.is_quiet());
  CHECK(world.stats.retransmissions_absorbed == 2);
  CHECK(world.stats.calls_started == 1);
}

TEST_CASE("a 2xx sent again by the line is passed on, and the call is answered once") {
  FakeWorld world;
  const Established call = establish(world);
  world.advance(seconds(1));
  world.receive(kLineOne, respond_to(call.invited.message, 200));
  CHECK(world.next().message.status() == 200);
  CHECK(world.events.size() == 2);
}

TEST_CASE("a BYE sent again gets the same answer and ends nothing twice") {
  FakeWorld world;
  const Established call = establish(world);
  const std::string bye = caller_request("BYE", call.answer.message, "z9hG4bK-bye", 2);
  world.receive(kTrunkHop, bye);
  const Sent forwarded = world.next();
  world.receive(kTrunkHop, bye);
  CHECK(world.is_quiet());
  world.receive(forwarded.to, respond_to(forwarded.message, 200));
  world.next();
  world.receive(kTrunkHop, bye);
  CHECK(world.next().message.status() == 200);
  CHECK(world.is_quiet());
  CHECK(world.events.size() == 3);
}

TEST_CASE("an INVITE lost on the way to the line is sent again") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const std::string first = world.next().text;
  world.advance(milliseconds(500));
  CHECK(world.next().text == first);
  world.advance(milliseconds(1000));
  CHECK(world.next().text == first);
}

TEST_CASE("a busy line's 486 is acknowledged, goes to the caller, and is sent again until acknowledged") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.receive(kLineOne, respond_to(invited.message, 486));
  const Sent ack = world.next();
  CHECK(ack.to == kLineOne);
  CHECK(first_line(ack.text).substr(0, 4) == "ACK ");
  CHECK(header(ack.text, "Via") == header(invited.text, "Via"));
  const Sent busy = world.next();
  CHECK(busy.to == kTrunkHop);
  CHECK(busy.message.status() == 486);
  world.receive(kLineOne, respond_to(invited.message, 486));
  CHECK(first_line(world.next().text).substr(0, 4) == "ACK ");
  CHECK(world.is_quiet());

  world.advance(milliseconds(500));
  CHECK(world.next().message.status() == 486);
  world.receive(kTrunkHop, ack_failure({}, busy.message));
  world.advance(seconds(60));
  CHECK(world.is_quiet());
  CHECK(world.core->timer_count() == 0);
  REQUIRE(world.events.size() == 1);
  CHECK(world.events[0].call().outcome() == v1::CALL_OUTCOME_BUSY);
  CHECK(world.events[0].call().sip_status() == 486);
}

TEST_CASE("a number of no pool reaches the default line with method NONE") {
  FakeWorld world;
  world.resolution = {};
  world.resolution.set_method(v1::RESOLUTION_METHOD_NONE);
  world.receive(kTrunkHop, invite({.uri = "sip:reception@198.18.0.1"}));
  world.next();
  const Sent invited = world.next();
  CHECK(first_line(invited.text) == "INVITE sip:reception@198.51.100.1:5060 SIP/2.0");
  CHECK(header(invited.text, "X-Ringtrace-Visit").empty());
  CHECK(headers(invited.text, "x-roistat").empty());
  CHECK(world.stats.calls_resolved[v1::RESOLUTION_METHOD_NONE] == 1);
  CHECK_FALSE(world.queries.at(0).dialed);
}

TEST_CASE("an answered call whose end is never seen is closed by its age") {
  FakeWorld world;
  establish(world);
  world.advance(std::chrono::hours(4));
  REQUIRE(world.events.size() == 3);
  CHECK(world.events[2].call().outcome() == v1::CALL_OUTCOME_UNKNOWN_END);
  CHECK(world.core->timer_count() == 0);
}

}  // namespace ringtrace::sip::test
