#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {

using std::chrono::seconds;

TEST_CASE("a re-INVITE and an UPDATE travel both ways and make no events") {
  FakeWorld world;
  const Established call = establish(world);
  const std::size_t events = world.events.size();

  world.receive(kTrunkHop, caller_request("INVITE", call.answer.message, "z9hG4bK-re", 2));
  CHECK(world.next().message.status() == 100);
  const Sent again = world.next();
  CHECK(again.to == Hop::parse("udp:198.51.100.1:5070"));
  CHECK(headers(again.text, "Route").empty());
  world.receive(again.to, respond_to(again.message, 200));
  CHECK(world.next().message.status() == 200);
  world.receive(kTrunkHop, caller_request("ACK", call.answer.message, "z9hG4bK-re-ack", 2));
  CHECK(world.next().message.method() == Method::kAck);

  world.receive(kLineOne, line_request("UPDATE", call.invited.message, "z9hG4bK-up", 11));
  const Sent update = world.next();
  CHECK(update.to == kTrunkHop);
  world.receive(kTrunkHop, respond_to(update.message, 200));
  const Sent updated = world.next();
  CHECK(updated.to == kLineOne);
  CHECK(updated.message.status() == 200);
  CHECK(world.events.size() == events);
}

TEST_CASE("the line hangs up: its BYE goes to the caller and ends the call") {
  FakeWorld world;
  const Established call = establish(world);
  world.advance(seconds(10));
  world.receive(kLineOne, line_request("BYE", call.invited.message, "z9hG4bK-lb", 11));
  const Sent bye = world.next();
  CHECK(bye.to == kTrunkHop);
  CHECK(first_line(bye.text) == "BYE sip:caller@192.0.2.10:5060 SIP/2.0");
  world.advance(seconds(1));
  world.forget_sent();  // the BYE again
  world.receive(kTrunkHop, respond_to(bye.message, 200));
  CHECK(world.next().to == kLineOne);
  REQUIRE(world.events.size() == 3);
  CHECK(world.events[2].call().talk_duration().seconds() == 10);
}

TEST_CASE("both sides hanging up at once end the call once") {
  FakeWorld world;
  const Established call = establish(world);
  world.receive(kTrunkHop, caller_request("BYE", call.answer.message, "z9hG4bK-cb", 2));
  const Sent by_caller = world.next();
  world.receive(kLineOne, line_request("BYE", call.invited.message, "z9hG4bK-lb", 11));
  const Sent by_line = world.next();
  world.receive(kTrunkHop, respond_to(by_line.message, 481));
  world.receive(by_caller.to, respond_to(by_caller.message, 200));
  CHECK(world.events.size() == 3);
  CHECK(world.closings.empty());
}

TEST_CASE("a BYE that nobody answers still ends the call, and gets no 408 (RFC 4320)") {
  FakeWorld world;
  const Established call = establish(world);
  world.receive(kTrunkHop, caller_request("BYE", call.answer.message, "z9hG4bK-bye", 2));
  world.advance(seconds(33));
  REQUIRE(world.events.size() == 3);
  CHECK(world.events[2].call().outcome() == v1::CALL_OUTCOME_ANSWERED);
  CHECK(world.events[2].call().talk_duration().seconds() == 0);
  while (!world.is_quiet()) {
    const Sent sent = world.next();
    CHECK((sent.message.is_request() || sent.message.status() == 100));
  }
}

TEST_CASE("a BYE that must be repeated with credentials ends nothing yet") {
  FakeWorld world;
  const Established call = establish(world);
  world.receive(kTrunkHop, caller_request("BYE", call.answer.message, "z9hG4bK-bye", 2));
  const Sent bye = world.next();
  world.receive(bye.to, respond_to(bye.message, 407));
  CHECK(world.next().message.status() == 407);
  CHECK(world.events.size() == 2);
}

TEST_CASE("after a restart ACK, re-INVITE and BYE find their way by Route alone, and the record is closed") {
  FakeWorld world;
  const Established call = establish(world);
  world.events.clear();
  world.restart();
  world.receive(kTrunkHop, caller_request("ACK", call.answer.message, "z9hG4bK-late-ack", 1));
  CHECK(world.next().to == Hop::parse("udp:198.51.100.1:5070"));
  world.receive(kLineOne, line_request("INVITE", call.invited.message, "z9hG4bK-lre", 11));
  CHECK(world.next().message.status() == 100);
  CHECK(world.next().to == kTrunkHop);

  world.receive(kTrunkHop, caller_request("BYE", call.answer.message, "z9hG4bK-bye", 3));
  const Sent bye = world.next();
  const WallTime hung_up = world.now.wall;
  world.advance(seconds(1));
  world.forget_sent();
  world.receive(bye.to, respond_to(bye.message, 200));
  CHECK(world.next().message.status() == 200);
  CHECK(world.events.empty());
  REQUIRE(world.closings.size() == 1);
  CHECK(world.closings[0].call_id == header(call.invited.text, "X-Ringtrace-Call"));
  CHECK(world.closings[0].sip_call_id == "call-1@caller");
  CHECK(world.closings[0].caller_tag == "caller-tag");
  CHECK(world.closings[0].line_tag == "line-tag");
  CHECK(world.closings[0].end_time == hung_up);
}

TEST_CASE("an answer that comes after a restart still reaches the caller") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.restart();
  world.receive(kLineOne, respond_to(invited.message, 200));
  const Sent answer = world.next();
  CHECK(answer.to == kTrunkHop);
  CHECK(answer.message.status() == 200);
  CHECK(headers(answer.text, "Via").size() == 1);
}

TEST_CASE("a made-up response is relayed nowhere") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  std::string forged = respond_to(invited.message, 200);
  const std::size_t branch = forged.find("z9hG4bKrt.") + 10;
  forged[branch] = forged[branch] == '0' ? '1' : '0';
  world.receive(kLineOne, forged);
  CHECK(world.is_quiet());
  CHECK(world.refused(Refusal::kUnmatchedResponse) == 1);
  CHECK(world.events.empty());
}

TEST_CASE("a forged, foreign or missing Route is never relayed") {
  FakeWorld world;
  const Established call = establish(world);
  const std::string good = caller_request("BYE", call.answer.message, "z9hG4bK-bye", 2);
  const auto changed = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  const std::string route = "Route: " + headers(good, "Route").at(0) + "\r\n";
  const std::string signature = route.substr(route.find(";s="));
  const std::vector<std::string> bad = {
      changed(route, ""),
      changed(route, "Route: <sip:203.0.113.9;lr>\r\n"),
      changed(signature, ";s=00000000000000000000000000000000>\r\n"),
      changed("198.18.0.1:5060;lr", "203.0.113.9:5060;lr"),
      changed("Call-ID: call-1@caller", "Call-ID: another@caller"),
      changed("tag=caller-tag", "tag=stranger"),
      changed("l=udp:198.51.100.1", "l=udp:203.0.113.9"),
  };
  for (const std::string& text : bad) {
    INFO(text);
    world.receive(kTrunkHop, text);
    const Sent sent = world.next();
    CHECK(sent.to == kTrunkHop);
    CHECK(sent.message.status() == 481);
    CHECK(world.is_quiet());
  }
  CHECK(world.refused(Refusal::kBadRoute) == bad.size());
  CHECK(world.events.size() == 2);
}

TEST_CASE("a BYE with a foreign tag of the line, or from the wrong side, closes nothing") {
  FakeWorld world;
  const Established call = establish(world);
  std::string other = caller_request("BYE", call.answer.message, "z9hG4bK-fork", 2);
  other.replace(other.find("tag=line-tag"), 12, "tag=fork-tag");
  world.receive(kTrunkHop, other);
  const Sent bye = world.next();
  world.receive(bye.to, respond_to(bye.message, 481));
  world.next();
  CHECK(world.events.size() == 2);

  world.receive(kLineTwo, caller_request("BYE", call.answer.message, "z9hG4bK-side", 3));
  CHECK(world.next().message.status() == 481);
  world.receive(kStranger, caller_request("BYE", call.answer.message, "z9hG4bK-out", 4));
  CHECK(world.is_quiet());
  CHECK(world.events.size() == 2);
}

TEST_CASE("a strict router's message is put right") {
  FakeWorld world;
  const Established call = establish(world);
  const std::string good = caller_request("BYE", call.answer.message, "z9hG4bK-strict", 2);
  const std::string route = headers(good, "Route").at(0);
  const std::string own = route.substr(1, route.size() - 2);
  std::string strict = good;
  strict.replace(strict.find("sip:desk@198.51.100.1:5070"), 26, own);
  strict.replace(strict.find("Route: " + route), route.size() + 7, "Route: <sip:desk@198.51.100.1:5070>");
  world.receive(kTrunkHop, strict);
  const Sent bye = world.next();
  CHECK(first_line(bye.text) == "BYE sip:desk@198.51.100.1:5070 SIP/2.0");
  CHECK(headers(bye.text, "Route").empty());
}

TEST_CASE("a Contact that we cannot go to is reached at the line the call was set up with") {
  FakeWorld world;
  const Established call = establish(world);
  std::string bye = caller_request("BYE", call.answer.message, "z9hG4bK-name", 2);
  const std::string contact =
      GENERATE("pbx.company.local", "198.51.100.1:5070;transport=tcp", "198.18.0.1:5060");
  bye.replace(bye.find("198.51.100.1:5070"), 17, contact);
  world.receive(kTrunkHop, bye);
  CHECK(world.next().to == kLineOne);
}

}  // namespace ringtrace::sip::test
