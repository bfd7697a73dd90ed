// What of RFC 3325's identities passes between trunks, which are trusted, and lines, which may not be.

#include <catch2/catch.hpp>

#include "sip/asserted_identity.h"
#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {
namespace {

const std::string kAsserted =
    "P-Asserted-Identity: <sip:+79990000002@x>\r\nP-Asserted-Identity: <tel:+79990000002>\r\n";
const std::string kOlder = "Remote-Party-ID: <sip:+79990000002@x>;privacy=full\r\n";
const std::string kPreferred = "P-Preferred-Identity: <sip:+79990000003@x>\r\n";
const std::string kWithheld = "Privacy: id\r\n";
constexpr Trust kToStranger{true, false};

// The first line is not trusted, the second one is.
ProxyConfig half_trusted() {
  ProxyConfig config = FakeWorld::default_config();
  config.line_groups[0].lines[0].is_trusted = false;
  return config;
}

std::string with(std::string message, const std::string& rows) {
  return message.insert(message.find("Content-Length:"), rows);
}

std::size_t asserted(const Sent& sent) { return headers(sent.text, "P-Asserted-Identity").size(); }

// What is left of `rows` in a message.
std::string filtered(const std::string& rows, Trust trust) {
  Message message = Message::parse(invite({.extra = rows})).clone();
  filter_identity(message, trust);
  message.prepare();
  std::string left;
  for (const char* name : {"P-Asserted-Identity", "Remote-Party-ID", "P-Preferred-Identity", "Privacy"}) {
    for (const std::string& value : headers(message.to_string(), name))
      left += std::string(name) + ": " + value + "\r\n";
  }
  return left;
}

}  // namespace

TEST_CASE("RFC 3325 section 7: id asks for privacy in every way it is written, and nothing else does") {
  const auto kept = [](const std::string& privacy) {
    return filtered(kAsserted + "Privacy: " + privacy + "\r\n", kToStranger).starts_with("P-Asserted");
  };
  for (const char* privacy : {"id", "ID", "user;id", "header; id ;critical", "id;critical", "user, id",
                              "user\t id", "\"id\"", "none;id", "none\r\nPrivacy: id", "user;\r\n id"}) {
    INFO(privacy);
    CHECK_FALSE(kept(privacy));
  }
  for (const char* privacy : {"none", "user", "header;session", "idx", "history"}) {
    INFO(privacy);
    CHECK(kept(privacy));
  }
  CHECK(filtered(kAsserted + kOlder, kToStranger) == kAsserted + kOlder);
}

TEST_CASE("RFC 3325 section 5: a wish is passed on to nobody, an assertion of the untrusted neither") {
  CHECK(filtered(kAsserted + kPreferred + kWithheld, {true, true}) == kAsserted + kWithheld);
  for (const bool receiver : {false, true})
    CHECK(filtered(kAsserted + kOlder + kPreferred, {false, receiver}).empty());
}

TEST_CASE("a trusted line is told who calls, though the caller asks for privacy") {
  FakeWorld world;
  world.receive(kTrunkHop, invite({.extra = kAsserted + kWithheld + kPreferred}));
  world.next();
  const Sent invited = world.next();
  CHECK(invited.text.find(kAsserted + kWithheld) != std::string::npos);
  CHECK(header(invited.text, "P-Preferred-Identity").empty());
  world.receive(kLineOne, with(respond_to(invited.message, 180), kAsserted + kWithheld));
  CHECK(asserted(world.next()) == 2);
}

TEST_CASE("a line that is not trusted is not told who asks for privacy; the next line, which is, is") {
  FakeWorld world(half_trusted());
  world.receive(kTrunkHop, invite({.extra = kAsserted + kOlder + kWithheld}));
  world.next();
  const Sent first = world.next();
  CHECK(first.to == kLineOne);
  CHECK(asserted(first) == 0);
  CHECK(header(first.text, "Remote-Party-ID").empty());
  CHECK(header(first.text, "Privacy") == "id");
  CHECK(header(first.text, "From") == "<sip:+79161234567@carrier.example>;tag=caller-tag");

  world.receive(kLineOne, respond_to(first.message, 503));
  world.next();  // ACK
  const Sent second = world.next();
  CHECK(second.to == kLineTwo);
  CHECK(asserted(second) == 2);
}

TEST_CASE("what is asserted by a line that is not trusted does not pass") {
  FakeWorld world(half_trusted());
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  for (const int status : {180, 200, 200}) {
    world.receive(kLineOne, with(respond_to(invited.message, status), kAsserted + kPreferred));
    const Sent passed = world.next();
    CHECK(passed.message.status() == status);
    CHECK(asserted(passed) == 0);
    CHECK(header(passed.text, "P-Preferred-Identity").empty());
  }
}

TEST_CASE("the same inside a dialog, also of a process that has not seen it begin") {
  const bool restarted = GENERATE(false, true);
  FakeWorld world(half_trusted());
  const Established call = establish(world);
  if (restarted) world.restart();

  world.receive(kTrunkHop,
                with(caller_request("UPDATE", call.answer.message, "z9hG4bK-u", 3), kAsserted + kWithheld));
  const Sent update = world.next();
  CHECK(first_line(update.text).starts_with("UPDATE "));
  CHECK(asserted(update) == 0);
  world.receive(update.to, with(respond_to(update.message, 200), kAsserted));
  CHECK(asserted(world.next()) == 0);

  world.receive(kLineOne, with(line_request("UPDATE", call.invited.message, "z9hG4bK-l", 4), kAsserted));
  const Sent reverse = world.next();
  CHECK(reverse.to == kTrunkHop);
  CHECK(asserted(reverse) == 0);
  const bool withheld = GENERATE(false, true);
  world.receive(kTrunkHop, with(respond_to(reverse.message, 200), kAsserted + (withheld ? kWithheld : "")));
  const Sent answer = world.next();
  CHECK(answer.to == kLineOne);
  CHECK(asserted(answer) == (withheld ? 0 : 2));

  world.receive(kTrunkHop,
                with(caller_request("ACK", call.answer.message, "z9hG4bK-a", 5), kAsserted + kWithheld));
  CHECK(asserted(world.next()) == 0);
}

TEST_CASE("an answer to what an earlier process sent tells no more than it may") {
  FakeWorld world(half_trusted());
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.restart();
  world.receive(kLineOne, with(respond_to(invited.message, 180), kAsserted));
  const Sent ringing = world.next();
  CHECK(ringing.message.status() == 180);
  CHECK(asserted(ringing) == 0);

  const Established call = establish(world, {.branch = "z9hG4bK-2", .call_id = "call-2@caller"});
  world.receive(kLineOne, line_request("BYE", call.invited.message, "z9hG4bK-b", 7));
  const Sent bye = world.next();
  world.restart();
  world.receive(kTrunkHop, with(respond_to(bye.message, 200), kAsserted + kWithheld));
  const Sent over = world.next();
  CHECK(over.to == kLineOne);
  CHECK(asserted(over) == 0);
}

TEST_CASE("one place with two lines is trusted when both are, and no emergency line by chance") {
  ProxyConfig config = FakeWorld::default_config();
  config.line_groups.push_back({.name = "other", .lines = {config.line_groups[0].lines[0]}});
  config.line_groups[1].lines[0].is_trusted = false;
  config.trunks[0].emergency_line = Target{Transport::kUdp, "198.51.100.99", 5060};
  const bool trusted = GENERATE(true, false);
  config.trunks[0].is_emergency_line_trusted = trusted;
  const auto routing = std::get<std::shared_ptr<const Routing>>(Routing::compile(config));
  CHECK_FALSE(routing->is_trusted_line(kLineOne));
  CHECK(routing->is_trusted_line(kLineTwo));
  CHECK(routing->is_trusted_line(*Hop::parse("udp:198.51.100.99:5060")) == trusted);
  CHECK_FALSE(routing->is_trusted_line(kStranger));
}

TEST_CASE("a trunk that is not trusted asserts nothing, and is told no line that asks for privacy") {
  const bool restarted = GENERATE(false, true);
  ProxyConfig config = FakeWorld::default_config();
  config.trunks[0].is_trusted = false;
  FakeWorld world(config);
  world.receive(kTrunkHop, invite({.extra = kAsserted + kOlder}));
  world.next();
  const Sent invited = world.next();
  CHECK(asserted(invited) == 0);
  CHECK(header(invited.text, "Remote-Party-ID").empty());
  REQUIRE(world.queries.size() == 1);
  CHECK(world.queries[0].caller.to_string() == "+79161234567");
  if (restarted) world.restart();

  world.receive(kLineOne, with(respond_to(invited.message, 180), kAsserted));
  CHECK(asserted(world.next()) == 2);
  world.receive(kLineOne, with(respond_to(invited.message, 200), kAsserted + kWithheld));
  const Sent answer = world.next();
  CHECK(answer.message.status() == 200);
  CHECK(asserted(answer) == 0);

  world.receive(kTrunkHop, with(caller_request("UPDATE", answer.message, "z9hG4bK-u", 3), kAsserted));
  CHECK(asserted(world.next()) == 0);
  world.receive(kLineOne,
                with(line_request("UPDATE", invited.message, "z9hG4bK-l", 4), kAsserted + kWithheld));
  const Sent update = world.next();
  CHECK(update.to == kTrunkHop);
  CHECK(asserted(update) == 0);
  world.receive(kTrunkHop, with(respond_to(update.message, 200), kAsserted));
  CHECK(asserted(world.next()) == 0);
}

TEST_CASE("of trunks around an address those with the narrowest block are asked, and all of them") {
  ProxyConfig config = FakeWorld::default_config();
  config.trunks.push_back({.name = "whole", .addresses = {"192.0.0.0/8"}, .is_trusted = false});
  const auto trusted = [&config] {
    const auto routing = std::get<std::shared_ptr<const Routing>>(Routing::compile(config));
    return routing->is_trusted_trunk(kTrunkHop.endpoint.address);
  };
  CHECK(trusted());
  config.trunks.push_back({.name = "same", .addresses = {"192.0.2.0/24"}, .is_trusted = false});
  CHECK_FALSE(trusted());
  config.trunks.push_back({.name = "one", .addresses = {"192.0.2.10"}});
  CHECK(trusted());
}

}  // namespace ringtrace::sip::test
