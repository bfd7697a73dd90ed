#include "sip/peers.h"

#include <catch2/catch.hpp>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Hop kOne = *Hop::parse("udp:198.51.100.1:5060");
const Hop kTwo = *Hop::parse("udp:198.51.100.2:5060");

// Peers with nothing real around them.
struct PeerWorld final : MessageSender {
  static ProxyConfig asking() {
    ProxyConfig config = FakeWorld::default_config();
    config.health.interval = seconds(30);
    return config;
  }

  explicit PeerWorld(ProxyConfig configuration = asking())
      : config(std::move(configuration)),
        peers(
            *this, {{Transport::kUdp, *Endpoint::parse("198.18.0.1:5060")}}, [this] { return draw += 1000; },
            [](std::function<void()>) { return true; }, board, now) {
    peers.configure(config, now);
  }

  bool send(const Message& message, std::size_t, const Hop& to) override {
    if (dead == to) return false;
    sent.push_back({to, Message::parse(message.to_string()), message.to_string()});
    return true;
  }

  // Lets time pass; true when the reachability changed.
  bool advance(milliseconds time) {
    bool changed = false;
    for (const auto end = now + time; now < end; now += TimerQueue::kTick) {
      changed = peers.tick(now) || changed;
      if (!answering) continue;
      for (const Sent& message : std::exchange(sent, {}))
        if (message.to != silent) peers.receive(Message::parse(respond_to(message.message, 200)));
    }
    return changed;
  }

  ProxyConfig config;
  std::uint64_t draw = 0;
  SteadyTime now{};
  std::optional<Hop> dead;
  std::optional<Hop> silent;
  bool answering = false;
  std::vector<Sent> sent;
  PeerBoard board;
  Peers peers;
};

}  // namespace

TEST_CASE("lines are asked by OPTIONS, are down after three misses and up after two answers") {
  PeerWorld world;
  world.answering = true;
  world.silent = kOne;
  CHECK(world.advance(seconds(60)));
  CHECK(world.peers.reachability().down == std::set<Hop>{kOne});
  const PeerReport report = world.board.read();
  REQUIRE(report.lines.size() == 2);
  CHECK(report.lines[0].place == "udp:198.51.100.1:5060");
  CHECK_FALSE(report.lines[0].up);
  CHECK(report.lines[1].up);

  world.silent.reset();
  CHECK(world.advance(seconds(12)));
  CHECK(world.peers.reachability().down.empty());
  CHECK_FALSE(world.advance(seconds(120)));
}

TEST_CASE("a question is a whole OPTIONS, sent again while nobody answers") {
  PeerWorld world;
  world.advance(seconds(4));
  REQUIRE(world.sent.size() >= 6);
  CHECK(first_line(world.sent[0].text) == "OPTIONS sip:198.51.100.1:5060 SIP/2.0");
  CHECK(header(world.sent[0].text, "Contact") == "<sip:ringtrace@198.18.0.1:5060>");
  const auto copies = std::count_if(world.sent.begin(), world.sent.end(),
                                    [&](const Sent& sent) { return sent.text == world.sent[0].text; });
  CHECK(copies == 4);  // at 0, 0.5, 1.5 and 3.5 s
}

TEST_CASE("a line that answers with an error of its own is there; one that is unavailable is not") {
  for (const int status : {200, 404, 405, 481, 501}) CHECK(shows_life(status));
  for (const int status : {503, 504}) CHECK_FALSE(shows_life(status));
}

TEST_CASE("a line the network refuses is down soon, and a call's finding is looked into at once") {
  PeerWorld world;
  world.answering = true;
  world.advance(seconds(2));
  world.dead = kTwo;
  world.peers.transport_failed(kTwo, world.now);
  world.advance(seconds(11));
  CHECK(world.peers.reachability().down == std::set<Hop>{kTwo});
}

TEST_CASE("lines are not asked when the configuration says so") {
  PeerWorld world(FakeWorld::default_config());
  world.advance(seconds(60));
  CHECK(world.sent.empty());
}

TEST_CASE("what is known of a line outlives a reload that keeps it") {
  PeerWorld world;
  world.answering = true;
  world.silent = kOne;
  world.advance(seconds(60));
  world.peers.configure(world.config, world.now);
  CHECK(world.peers.reachability().down == std::set<Hop>{kOne});
  world.config.line_groups[0].lines.erase(world.config.line_groups[0].lines.begin());
  world.peers.configure(world.config, world.now);
  CHECK(world.peers.reachability().down.empty());
}

TEST_CASE("an account is registered and its state reported; an answer to a forgotten one does nothing") {
  ProxyConfig config = FakeWorld::default_config();
  TrunkConfig trunk;
  trunk.name = "account";
  trunk.registration.emplace();
  trunk.registration->registrars = {{Transport::kUdp, "203.0.113.5", 0}};
  trunk.registration->user = "100";
  config.trunks.push_back(trunk);
  PeerWorld world(config);
  world.advance(milliseconds(10));
  REQUIRE(world.sent.size() == 1);
  const Sent sent = world.sent[0];
  CHECK(first_line(sent.text) == "REGISTER sip:203.0.113.5 SIP/2.0");

  SECTION("registered") {
    CHECK(world.peers.receive(Message::parse(respond_to(sent.message, 200))));
    world.advance(seconds(2));
    const TrunkReport report = world.board.read().trunks.at(1);
    CHECK(report.registers);
    CHECK(report.state == RegistrationState::kRegistered);
    CHECK(report.registrar == "udp:203.0.113.5:5060");
    CHECK_FALSE(world.board.read().trunks.at(0).registers);
  }
  SECTION("changed meanwhile") {
    world.config.trunks.back().registration->user = "200";
    world.peers.configure(world.config, world.now);
    CHECK(world.peers.receive(Message::parse(respond_to(sent.message, 200))));
    CHECK(world.board.read().trunks.at(1).state == RegistrationState::kTrying);
    world.advance(milliseconds(10));
    CHECK(header(world.sent.back().text, "To") == "<sip:200@203.0.113.5>");
  }
}

TEST_CASE("responses to calls' requests are none of its own") {
  PeerWorld world;
  world.advance(seconds(2));
  CHECK_FALSE(world.peers.receive(Message::parse(respond_to(Message::parse(invite()), 200))));
  CHECK(world.peers.receive(Message::parse(respond_to(world.sent[0].message, 200))));
  CHECK(world.peers.receive(Message::parse(respond_to(world.sent[0].message, 200))));  // again
}

TEST_CASE("names keep what was known last while DNS fails") {
  NameCache cache;
  const Target name{Transport::kUdp, "pbx.example.com", 0};
  const Endpoint one = *Endpoint::parse("198.51.100.1:5060");
  const Endpoint two = *Endpoint::parse("198.51.100.2:5060");
  SteadyTime now{};
  cache.watch({name}, seconds(300), {}, now);
  CHECK(cache.due(now) == std::vector<Target>{name});
  CHECK(cache.due(now).empty());
  CHECK(cache.told(name, {{one, *Endpoint::parse("224.0.0.1:5060")}, seconds(60)}, now));
  CHECK(cache.places().at(name) == std::vector<Place>{one});
  now += seconds(59);
  CHECK(cache.due(now).empty());
  now += seconds(1);
  CHECK(cache.due(now).size() == 1);
  CHECK_FALSE(cache.told(name, {}, now));
  CHECK(cache.places().at(name) == std::vector<Place>{one});
  CHECK(cache.failures() == 1);
  now += NameCache::kShortest;
  CHECK(cache.due(now).size() == 1);
  CHECK(cache.told(name, {{two}, std::chrono::hours(24)}, now));
  now += seconds(300);
  CHECK(cache.due(now).size() == 1);  // a long life in DNS is cut
  now += NameCache::kPatience;
  CHECK(cache.due(now).size() == 1);  // an answer that never came
  cache.watch({}, seconds(300), {}, now);
  CHECK(cache.places().empty());
  CHECK_FALSE(cache.told(name, {{one}, seconds(60)}, now));
}

TEST_CASE("what an earlier process knew of a name holds until DNS answers, and no longer") {
  NameCache cache;
  const Target name{Transport::kUdp, "pbx.example.com", 0};
  const Target other{Transport::kUdp, "other.example.com", 0};
  const Place old(*Endpoint::parse("198.51.100.1:5060"));
  const Place fresh(*Endpoint::parse("198.51.100.2:5060"));
  const std::map<Target, std::vector<Place>> remembered = {{name, {old}}, {other, {old}}};
  SteadyTime now{};
  cache.watch({name}, seconds(300), remembered, now);
  CHECK(cache.places().size() == 1);
  CHECK(cache.places().at(name) == std::vector<Place>{old});
  CHECK(cache.due(now).size() == 1);
  CHECK_FALSE(cache.told(name, {}, now));
  CHECK(cache.places().at(name) == std::vector<Place>{old});
  CHECK(cache.told(name, {{fresh}, seconds(60)}, now));
  cache.watch({name}, seconds(300), remembered, now);
  CHECK(cache.places().at(name) == std::vector<Place>{fresh});
}

}  // namespace ringtrace::sip::test
