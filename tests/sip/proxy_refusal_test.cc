#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {

namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

}  // namespace

TEST_CASE("strangers get no answer and are counted") {
  FakeWorld world;
  world.receive(kStranger, invite());
  world.receive(kStranger, replaced(invite(), "INVITE sip", "OPTIONS sip"));
  world.receive(kStranger, cancel());
  CHECK(world.is_quiet());
  CHECK(world.refused(Refusal::kUnknownSource) + world.refused(Refusal::kGarbage) == 3);
  CHECK(world.events.empty());
}

TEST_CASE("garbage is counted and harms nothing") {
  FakeWorld world;
  for (const auto* text : {"", "\r\n\r\n", "hello", "INVITE sip:x SIP/2.0\r\n\r\n"})
    world.receive(kTrunkHop, text);
  CHECK(world.is_quiet());
  CHECK(world.refused(Refusal::kGarbage) == 4);
  world.receive(kTrunkHop, invite());
  CHECK(world.next().message.status() == 100);
}

TEST_CASE("each request that must not go on gets the answer RFC 3261 section 16.3 gives it") {
  struct Case {
    std::string text;
    int status;
    Refusal reason;
  };
  std::string vias;
  for (int i = 0; i < 71; ++i)
    vias += "Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK" + std::to_string(i) + "\r\n";
  const Case c = GENERATE_COPY(
      Case{replaced(invite(), "Max-Forwards: 70", "Max-Forwards: 0"), 483, Refusal::kMaxForwards},
      Case{invite({.uri = "mailto:a@b"}), 416, Refusal::kUriScheme},
      Case{invite({.uri = "sips:+74950000001@198.18.0.1"}), 416, Refusal::kUriScheme},
      Case{invite({.extra = "Proxy-Require: foo, bar\r\n"}), 420, Refusal::kProxyRequire},
      Case{invite({.extra = vias}), 483, Refusal::kTooManyVias},
      Case{replaced(invite(), "1 INVITE", "1 OPTIONS"), 400, Refusal::kMalformed},
      Case{replaced(invite(), "INVITE sip:+74950000001@198.18.0.1 SIP/2.0",
                    "INVITE sip:+74950000001@198.18.0.1 SIP/3.0"),
           505, Refusal::kMalformed},
      Case{replaced(invite(), "Max-Forwards: 70", "Max-Forwards: 256"), 400, Refusal::kMalformed},
      Case{replaced(invite(), "Max-Forwards: 70", "Max-Forwards: 70\r\nMax-Breadth: 0"), 440,
           Refusal::kMaxBreadth},
      Case{invite({.extra = "Content-Length: 9\r\n"}), 400, Refusal::kMalformed},
      Case{replaced(invite(), ";tag=caller-tag", ""), 400, Refusal::kMalformed},
      Case{invite({.extra = "Route: <sip:203.0.113.9;lr>\r\n"}), 403, Refusal::kForeignRoute},
      Case{replaced(replaced(invite(), "INVITE sip", "REGISTER sip"), "1 INVITE", "1 REGISTER"), 405,
           Refusal::kMethod});
  INFO(c.text);
  FakeWorld world;
  world.receive(kTrunkHop, c.text);
  const Sent answer = world.next();
  CHECK(answer.message.status() == c.status);
  CHECK(answer.to == kTrunkHop);
  CHECK_FALSE(answer.message.to_tag().empty());
  CHECK(world.is_quiet());
  CHECK(world.refused(c.reason) == 1);
  CHECK(world.stats.calls_started == 0);
  if (c.status == 420) CHECK(header(answer.text, "Unsupported") == "foo, bar");
}

TEST_CASE("RFC 5393: a call that comes back unchanged is a loop") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  // The line sends it back with the number dialed at first.
  std::string back = replaced(invited.text, "INVITE sip:+74950000001@198.51.100.1:5060",
                              "INVITE sip:+74950000001@198.18.0.1");
  back = replaced(back, "Via: ", "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-back\r\nVia: ");
  const std::string route = "Record-Route: " + header(back, "Record-Route") + "\r\n";
  world.receive(kTrunkHop, replaced(back, route, ""));
  CHECK(world.next().message.status() == 482);
  CHECK(world.refused(Refusal::kLoop) == 1);
}

TEST_CASE("our own address in a Route of a new call is taken off") {
  FakeWorld world;
  world.receive(kTrunkHop, invite({.extra = "Route: <sip:198.18.0.1:5060;lr>\r\n"}));
  world.next();
  CHECK(headers(world.next().text, "Route").empty());
}

TEST_CASE("OPTIONS that require what we do not know are told so (RFC 3261 section 8.2.2.3)") {
  FakeWorld world;
  const std::string ping = replaced(replaced(invite({.extra = "Require: foo\r\nRequire: bar\r\n"}),
                                             "INVITE sip:+74950000001@198.18.0.1", "OPTIONS sip:198.18.0.1"),
                                    "1 INVITE", "1 OPTIONS");
  world.receive(kTrunkHop, ping);
  const Sent answer = world.next();
  CHECK(answer.message.status() == 420);
  CHECK(header(answer.text, "Unsupported") == "foo, bar");
  // What is required of the line is the line's to refuse.
  world.receive(kTrunkHop, invite({.extra = "Require: foo\r\n"}));
  CHECK(world.next().message.status() == 100);
}

TEST_CASE("a carrier's OPTIONS is answered at once, also without hops left") {
  FakeWorld world;
  const std::string text =
      replaced(replaced(invite(), "INVITE sip:+74950000001@198.18.0.1", "OPTIONS sip:198.18.0.1"), "1 INVITE",
               "1 OPTIONS");
  world.receive(kTrunkHop, replaced(text, "Max-Forwards: 70", "Max-Forwards: 0"));
  const Sent answer = world.next();
  CHECK(answer.message.status() == 200);
  CHECK_FALSE(header(answer.text, "Allow").empty());
}

TEST_CASE("a line may not place calls") {
  FakeWorld world;
  world.receive(kLineOne, invite());
  CHECK(world.next().message.status() == 403);
  CHECK(world.refused(Refusal::kFromLine) == 1);
}

TEST_CASE("over its limits the proxy refuses new calls and serves those under way") {
  ProxyConfig config = FakeWorld::default_config();
  SECTION("too many live calls") { config.limits.calls = 1; }
  SECTION("too many transactions") { config.limits.transactions = 1; }
  FakeWorld world(config);
  const Established call = establish(world);
  world.receive(kTrunkHop, invite({.branch = "z9hG4bK-2", .call_id = "call-2"}));
  const Sent refused = world.next();
  CHECK(refused.message.status() == 503);
  CHECK(header(refused.text, "Retry-After") == "5");
  world.receive(kTrunkHop, caller_request("BYE", call.answer.message, "z9hG4bK-bye", 2));
  CHECK(world.next().message.method() == Method::kBye);
}

TEST_CASE("while draining new calls get 503 and those under way go on") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.next();
  const Sent invited = world.next();
  world.core->drain();
  CHECK_FALSE(world.core->is_idle());
  world.receive(kTrunkHop, invite({.branch = "z9hG4bK-2", .call_id = "call-2"}));
  CHECK(world.next().message.status() == 503);
  world.receive(kLineOne, respond_to(invited.message, 200));
  CHECK(world.next().message.status() == 200);
  CHECK(world.core->is_idle());
}

TEST_CASE("a peer that a reload removed may still end its call") {
  FakeWorld world;
  const Established call = establish(world);
  ProxyConfig config = FakeWorld::default_config();
  config.trunks[0].addresses = {"203.0.113.0/24"};
  config.line_groups[0].lines = {{"new", "198.51.100.77", 5060, Transport::kUdp, 0, 1}};
  auto routing = Routing::compile(config);
  world.core->reload(std::get<std::shared_ptr<const Routing>>(routing));

  world.receive(kTrunkHop, invite({.branch = "z9hG4bK-2", .call_id = "call-2"}));
  CHECK(world.is_quiet());
  world.receive(kTrunkHop, caller_request("BYE", call.answer.message, "z9hG4bK-bye", 2));
  const Sent bye = world.next();
  world.receive(bye.to, respond_to(bye.message, 200));
  CHECK(world.events.size() == 3);
}

}  // namespace ringtrace::sip::test
