#include "sip/routing.h"

#include <catch2/catch.hpp>
#include <map>

#include "tests/sip/fake_world.h"

namespace ringtrace::sip {
namespace {

std::string error_of(const ProxyConfig& config) {
  auto routing = Routing::compile(config);
  return std::holds_alternative<std::string>(routing) ? std::get<std::string>(routing) : std::string{};
}

std::shared_ptr<const Routing> routing_of(const ProxyConfig& config) {
  auto routing = Routing::compile(config);
  REQUIRE(std::holds_alternative<std::shared_ptr<const Routing>>(routing));
  return std::get<std::shared_ptr<const Routing>>(routing);
}

}  // namespace

TEST_CASE("the narrowest trunk block wins, and strangers belong to none") {
  ProxyConfig config = test::FakeWorld::default_config();
  config.trunks.push_back({.name = "special", .addresses = {"192.0.2.64/26", "2001:db8::/32"}});
  const auto routing = routing_of(config);
  CHECK(routing->find_trunk(*IpAddress::parse("192.0.2.1"))->name == "carrier");
  CHECK(routing->find_trunk(*IpAddress::parse("192.0.2.70"))->name == "special");
  CHECK(routing->find_trunk(*IpAddress::parse("2001:db8::5"))->name == "special");
  CHECK(routing->find_trunk(*IpAddress::parse("203.0.113.1")) == nullptr);
}

TEST_CASE("lines come by priority and, within one, by weight") {
  ProxyConfig config = test::FakeWorld::default_config();
  config.line_groups = {{.name = "office",
                         .lines = {{"backup", "198.51.100.9", 5060, Transport::kUdp, 5, 1},
                                   {"small", "198.51.100.1", 5060, Transport::kUdp, 0, 1},
                                   {"large", "198.51.100.2", 5060, Transport::kUdp, 0, 3}}},
                        {.name = "other", .lines = {{"x", "198.51.100.3", 5060, Transport::kTcp, 0, 1}}}};
  config.pool_line_groups = {{"south", "other"}};
  const auto routing = routing_of(config);
  std::uint64_t draw = 0;
  const RandomSource random = [&draw] { return draw++; };
  const Trunk trunk;
  std::map<std::string, int> first;
  for (int i = 0; i < 400; ++i) {
    const auto lines = routing->lines_for("main", trunk, random).lines;
    REQUIRE(lines.size() == 3);
    ++first[lines[0].name];
    CHECK(lines[2].name == "backup");
  }
  CHECK(first["small"] == 100);
  CHECK(first["large"] == 300);
  CHECK(routing->lines_for("south", trunk, random).lines[0].name == "x");
}

TEST_CASE("a line known by name is tried at each of its places, in their order") {
  ProxyConfig config = test::FakeWorld::default_config();
  config.line_groups[0].lines[0] = {"named", "pbx.example.com", 0, Transport::kTcp, 0, 1};
  Reachability peers;
  const RandomSource random = [] { return 0u; };
  const Target name{Transport::kTcp, "pbx.example.com", 0};
  const auto places = [&] {
    auto routing = Routing::compile(config, peers);
    REQUIRE(std::holds_alternative<std::shared_ptr<const Routing>>(routing));
    std::vector<std::string> texts;
    for (const Line& line :
         std::get<std::shared_ptr<const Routing>>(routing)->lines_for("main", Trunk{}, random).lines)
      texts.push_back(line.name + " " + line.hop.to_string());
    return texts;
  };
  using Places = std::vector<std::string>;
  CHECK(places() == Places{"two udp:198.51.100.2:5060"});
  peers.addresses[name] = {*Endpoint::parse("198.51.100.7:5062"), *Endpoint::parse("[2001:db8::7]:5060")};
  CHECK(places() ==
        Places{"named tcp:198.51.100.7:5062", "named tcp:[2001:db8::7]:5060", "two udp:198.51.100.2:5060"});

  SECTION("what is down is tried last, but tried") {
    peers.down = {*Hop::parse("tcp:198.51.100.7:5062")};
    CHECK(places() ==
          Places{"named tcp:[2001:db8::7]:5060", "two udp:198.51.100.2:5060", "named tcp:198.51.100.7:5062"});
    peers.down.insert({*Hop::parse("tcp:[2001:db8::7]:5060"), *Hop::parse("udp:198.51.100.2:5060")});
    CHECK(places().size() == 3);
  }
  SECTION("the trunk's emergency line comes after all of them") {
    Trunk trunk;
    trunk.emergency_line = Hop::parse("udp:203.0.113.9:5060");
    const auto routing = routing_of(config);
    CHECK(routing->lines_for("main", trunk, random).lines.back().name == "emergency");
    CHECK(routing->lines_for("main", trunk, random).lines.size() == 2);
  }
}

TEST_CASE("the places of a name share its calls as their SRV records say") {
  ProxyConfig config = test::FakeWorld::default_config();
  config.line_groups[0].lines = {{"named", "pbx.example.com", 0, Transport::kUdp, 0, 1}};
  const Endpoint heavy = *Endpoint::parse("198.51.100.7:5060");
  const Endpoint light = *Endpoint::parse("198.51.100.8:5060");
  const Endpoint spare = *Endpoint::parse("198.51.100.9:5060");
  Reachability peers;
  peers.addresses[{Transport::kUdp, "pbx.example.com", 0}] = {{heavy, 10, 3}, {light, 10, 1}, {spare, 20, 9}};
  const auto routing = std::get<std::shared_ptr<const Routing>>(Routing::compile(config, peers));
  std::map<Endpoint, int> firsts;
  std::uint64_t ticket = 0;
  for (int i = 0; i < 400; ++i) {
    const auto lines = routing->lines_for("main", Trunk{}, [&] { return ticket++; }).lines;
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].hop.endpoint != lines[1].hop.endpoint);
    CHECK(lines[2].hop.endpoint == spare);
    ++firsts[lines[0].hop.endpoint];
  }
  CHECK(firsts[heavy] == 300);
  CHECK(firsts[light] == 100);
}

TEST_CASE("accounts at one carrier are told apart by the contact it was given") {
  ProxyConfig config = test::FakeWorld::default_config();
  const Target registrar{Transport::kUdp, "sip.carrier.example", 0};
  for (const char* name : {"first", "second"}) {
    TrunkConfig trunk;
    trunk.name = name;
    trunk.registration.emplace();
    trunk.registration->registrars = {registrar};
    config.trunks.push_back(trunk);
  }
  Reachability peers;
  peers.addresses[registrar] = {*Endpoint::parse("203.0.113.5:5060")};
  const auto compiled = Routing::compile(config, peers);
  REQUIRE(std::holds_alternative<std::shared_ptr<const Routing>>(compiled));
  const auto& routing = *std::get<std::shared_ptr<const Routing>>(compiled);
  const Hop carrier = *Hop::parse("udp:203.0.113.5:5060");
  CHECK(routing.find_trunk(carrier, contact_user_of(routing.signer(), "second"))->name == "second");
  CHECK(routing.find_trunk(carrier, contact_user_of(routing.signer(), "first"))->name == "first");
  CHECK(routing.find_trunk(carrier, "+74950000001")->name == "first");
  CHECK(routing.find_trunk(*Hop::parse("udp:203.0.113.6:5060"), contact_user_of(routing.signer(), "first")) ==
        nullptr);
}

TEST_CASE("a trunk takes calls over its own transports only") {
  ProxyConfig config = test::FakeWorld::default_config();
  config.trunks[0].transports = {Transport::kTls};
  const auto routing = routing_of(config);
  CHECK(routing->find_trunk(*Hop::parse("udp:192.0.2.10:5060"), "x") == nullptr);
  CHECK(routing->find_trunk(*Hop::parse("tls:192.0.2.10:5060"), "x")->name == "carrier");
}

TEST_CASE("each mistake of a configuration is named") {
  const auto broken = [](const std::function<void(ProxyConfig&)>& change) {
    ProxyConfig config = test::FakeWorld::default_config();
    change(config);
    return error_of(config);
  };
  CHECK(broken([](auto& c) { c.signing_key = "short"; }) == "the signing key is shorter than 16 bytes");
  CHECK(broken([](auto& c) { c.trunks[0].addresses = {"192.0.2.1/24"}; }) ==
        "trunk 'carrier': '192.0.2.1/24' is no address or block of addresses");
  CHECK(broken([](auto& c) { c.trunks[0].addresses.clear(); }) == "trunk 'carrier' has no address");
  CHECK(broken([](auto& c) { c.line_groups[0].lines[0].host = "pbx local"; }) ==
        "line 'one': 'pbx local' is neither the address of one host nor a name");
  CHECK(broken([](auto& c) { c.line_groups[0].lines[0].host = "224.0.0.1"; }) ==
        "line 'one': '224.0.0.1' is neither the address of one host nor a name");
  CHECK(broken([](auto& c) { c.trunks[0].numbers.region = "RUS"; }) ==
        "trunk 'carrier': 'RUS' is no region such as RU or DE");
  CHECK(broken([](auto& c) {
          c.trunks[0].emergency_line = Target{Transport::kUdp, "pbx.example.com", 0};
        }) == "trunk 'carrier': its emergency line 'udp:pbx.example.com' is no address of one host");
  CHECK(broken([](auto& c) { c.line_groups[0].lines.clear(); }) == "line group 'office' has no line");
  CHECK(broken([](auto& c) { c.default_line_group = "x"; }) == "the default line group 'x' does not exist");
  CHECK(broken([](auto& c) { c.pool_line_groups["p"] = "x"; }) ==
        "pool 'p': the line group 'x' does not exist");
  CHECK_FALSE(broken([](auto& c) { c.headers = {{"Via", "x"}}; }).empty());
  CHECK_FALSE(broken([](auto& c) { c.times.timer_c = std::chrono::minutes(3); }).empty());
  CHECK(broken([](auto&) {}).empty());
}

}  // namespace ringtrace::sip
