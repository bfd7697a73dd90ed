// Floods, storms and overload: what is turned away, and that everything else is served.

#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {

using namespace std::chrono_literals;

namespace {

InviteOptions numbered(int number) {
  const std::string id = std::to_string(number);
  return {.branch = "z9hG4bK-" + id, .call_id = "call-" + id};
}

std::string options_ping(const std::string& branch) {
  return "OPTIONS sip:198.18.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=" + branch +
         "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:198.18.0.1>\r\nCall-ID: " + branch +
         "\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace

TEST_CASE("a retransmission storm starts one call and gets an answer now and then") {
  FakeWorld world;
  world.receive(kTrunkHop, invite());
  world.forget_sent();
  for (int i = 0; i < 1000; ++i) {
    world.receive(kTrunkHop, invite());
    world.advance(1ms);
  }
  CHECK(world.stats.calls_started == 1);
  CHECK(world.stats.retransmissions_absorbed == 1000);
  // The INVITE to the line is sent again after 500 ms; the rest are answers.
  CHECK(world.sent_count() <= 11);
}

TEST_CASE("when too many finished requests are remembered, the oldest of them make room for new calls") {
  ProxyConfig config = FakeWorld::default_config();
  config.limits.transactions = 4;
  FakeWorld world(config);
  std::vector<Established> calls;
  for (int i = 0; i < 2; ++i) {
    calls.push_back(establish(world, numbered(i)));
    world.receive(kTrunkHop,
                  caller_request("BYE", calls[i].answer.message, "z9hG4bK-bye" + std::to_string(i), 2));
    const Sent bye = world.next();
    world.receive(bye.to, respond_to(bye.message, 200));
    REQUIRE(world.next().message.status() == 200);
  }
  // Not while what may come again is likely to come.
  world.advance(4s);
  world.receive(kTrunkHop, invite(numbered(2)));
  CHECK(world.next().message.status() == 503);
  world.advance(1s);
  for (int i = 3; i < 20; ++i) {
    establish(world, numbered(i));
    world.advance(3s);
  }
  CHECK(world.stats.calls_started == 19);
  CHECK(world.stats.live_transactions <= 4);
  CHECK(world.stats.transactions_cut_short > 0);
  // What is forgotten still finds its way by its signature.
  world.forget_sent();
  world.receive(calls[0].invited.to, respond_to(calls[0].invited.message, 200));
  CHECK(world.next().message.status() == 200);
}

TEST_CASE("calls beyond the rate of their source or of their number get 503, others go through") {
  ProxyConfig config = FakeWorld::default_config();
  const bool by_source = GENERATE(true, false);
  (by_source ? config.limits.calls_per_second_of_source : config.limits.calls_per_second_of_number) = {2, 3};
  FakeWorld world(config);
  for (int i = 0; i < 5; ++i) world.receive(kTrunkHop, invite(numbered(i)));
  CHECK(world.stats.calls_started == 3);
  CHECK(world.refused(by_source ? Refusal::kSourceRate : Refusal::kNumberRate) == 2);

  InviteOptions other = numbered(10);
  other.uri = "sip:+74950000002@198.18.0.1";
  world.receive(by_source ? *Hop::parse("udp:192.0.2.11:5060") : kTrunkHop, invite(other));
  CHECK(world.stats.calls_started == 4);
  world.advance(500ms);
  world.receive(kTrunkHop, invite(numbered(11)));
  CHECK(world.stats.calls_started == 5);
}

TEST_CASE("the rate of a number is that of the number dialed, wherever and however the trunk writes it") {
  ProxyConfig config = FakeWorld::default_config();
  config.limits.calls_per_second_of_number = {1, 2};
  config.trunks[0].dialed_from = {{DialedSource::Kind::kTo, {}}, {DialedSource::Kind::kRequestUri, {}}};
  config.trunks[0].numbers.national_prefix = "8";
  config.trunks[0].numbers.country_code = "7";
  FakeWorld world(config);
  const auto call_to = [&world](const std::string& number, int call) {
    InviteOptions options = numbered(call);
    options.uri = "sip:account@198.18.0.1";  // the same for all of them
    std::string text = invite(options);
    const std::size_t at = text.find("To: <sip:") + 9;
    text.replace(at, text.find('@', at) - at, number);
    world.receive(kTrunkHop, text);
  };
  call_to("+74950000001", 1);
  call_to("84950000001", 2);
  call_to("+74950000001", 3);
  CHECK(world.refused(Refusal::kNumberRate) == 1);
  call_to("+74950000002", 4);
  CHECK(world.refused(Refusal::kNumberRate) == 1);
  CHECK(world.stats.calls_started == 3);
}

TEST_CASE("in overload new calls get 503 with Retry-After, unparsed, and everything else is served") {
  FakeWorld world;
  const Established call = establish(world);
  world.receive_datagram(kTrunkHop, invite(numbered(1)));
  world.forget_sent();
  // A queue that has been long for more than 100 ms.
  world.receive_datagram(kTrunkHop, invite(numbered(2)), 80ms);
  world.advance(100ms);
  world.forget_sent();
  const std::uint64_t started = world.stats.calls_started;
  const std::uint64_t parsed = world.stats.requests_received;

  world.receive_datagram(kTrunkHop, invite(numbered(3)), 80ms);
  const Sent refusal = world.next();
  CHECK(refusal.message.status() == 503);
  CHECK(header(refusal.text, "Retry-After") == "5");
  CHECK(world.stats.calls_started == started);
  CHECK(world.stats.requests_received == parsed);
  CHECK(world.refused(Refusal::kOverload) == 1);

  // Its ACK is dropped as cheaply, an ACK of another answer is not.
  world.receive_datagram(kTrunkHop, ack_failure(numbered(3), refusal.message));
  CHECK(world.is_quiet());
  CHECK(world.stats.requests_received == parsed);

  // A call under way whose INVITE is repeated, an OPTIONS and a BYE, all of them waiting as long.
  world.receive_datagram(kTrunkHop, invite(numbered(1)), 80ms);
  CHECK(world.next().message.status() == 100);
  world.receive_datagram(kTrunkHop, options_ping("z9hG4bK-o"), 80ms);
  CHECK(world.next().message.status() == 200);
  world.receive_datagram(kTrunkHop, caller_request("BYE", call.answer.message, "z9hG4bK-bye", 2), 80ms);
  CHECK(first_line(world.next().text).substr(0, 4) == "BYE ");

  world.receive_datagram(kTrunkHop, invite(numbered(4)), 10ms);
  CHECK(world.stats.calls_started == started + 1);
}

TEST_CASE("who listens at another port than he sends from is answered there, whatever is answered") {
  FakeWorld world;
  const Hop sender = *Hop::parse("udp:192.0.2.10:40000");
  world.receive_datagram(sender, invite());
  CHECK(world.next().to == kTrunkHop);
  const Sent invited = world.next();
  world.receive(invited.to, respond_to(invited.message, 180));
  CHECK(world.next().to == kTrunkHop);
  world.restart();
  world.receive(invited.to, respond_to(invited.message, 200));
  CHECK(world.next().to == kTrunkHop);
  world.receive_datagram(sender, options_ping("z9hG4bK-o"));
  CHECK(world.next().to == kTrunkHop);
  world.receive_datagram(sender, invite(numbered(1)), 600ms);
  const Sent refused = world.next();
  CHECK(refused.message.status() == 503);
  CHECK(refused.to == kTrunkHop);
  world.receive_datagram(sender, invite({.extra = "Content-Length: 9\r\n"}));
  CHECK(world.next().to == kTrunkHop);
}

TEST_CASE("over a stream overload is answered too") {
  FakeWorld world;
  world.receive_datagram(kTrunkHop, invite(numbered(1)), 600ms);
  CHECK(world.next().message.status() == 503);
  world.receive(*Hop::parse("tcp:192.0.2.10:5060"), invite(numbered(2)));
  CHECK(world.next().message.status() == 503);
  CHECK(world.stats.calls_started == 0);
}

TEST_CASE("strangers' datagrams are dropped unparsed; signed ones of a removed peer are not") {
  FakeWorld world;
  const Established call = establish(world);
  const std::uint64_t parsed = world.stats.requests_received;
  for (int i = 0; i < 10; ++i) world.receive_datagram(kStranger, invite(numbered(i)));
  world.receive_datagram(kStranger, "hello");
  CHECK(world.is_quiet());
  CHECK(world.refused(Refusal::kUnknownSource) == 11);
  CHECK(world.stats.requests_received == parsed);

  ProxyConfig config = FakeWorld::default_config();
  config.trunks[0].addresses = {"192.0.2.200"};
  world.core->reload(std::get<std::shared_ptr<const Routing>>(Routing::compile(config)));
  world.receive_datagram(kTrunkHop, caller_request("BYE", call.answer.message, "z9hG4bK-bye", 2));
  CHECK(first_line(world.next().text).substr(0, 4) == "BYE ");
}

TEST_CASE("too many headers, a NUL and a message too large are answered unparsed") {
  ProxyConfig config = FakeWorld::default_config();
  config.limits.message_bytes = 8000;
  FakeWorld world(config);
  std::string many;
  for (int i = 0; i < 200; ++i) many += "X-Header: " + std::to_string(i) + "\r\n";
  std::string nul = invite({.extra = "Subject: aXb\r\n"});
  nul[nul.find("aXb") + 1] = '\0';
  struct Case {
    std::string text;
    int status;
  };
  const Case c = GENERATE_COPY(Case{invite({.extra = many}), 400}, Case{nul, 400},
                               Case{invite({.extra = "Subject: " + std::string(8000, 'x') + "\r\n"}), 513});
  world.receive_datagram(kTrunkHop, c.text);
  const Sent answer = world.next();
  CHECK(answer.message.status() == c.status);
  CHECK(header(answer.text, "Call-ID") == "call-1@caller");
  CHECK(world.stats.requests_received == 0);
  CHECK(world.refused(Refusal::kMalformed) + world.refused(Refusal::kTooLarge) == 1);
}

}  // namespace ringtrace::sip::test
