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
  config.trunks.push_back({"special", {"192.0.2.64/26", "2001:db8::/32"}, {}});
  const auto routing = routing_of(config);
  CHECK(routing->find_trunk(*IpAddress::parse("192.0.2.1"))->name == "carrier");
  CHECK(routing->find_trunk(*IpAddress::parse("192.0.2.70"))->name == "special");
  CHECK(routing->find_trunk(*IpAddress::parse("2001:db8::5"))->name == "special");
  CHECK(routing->find_trunk(*IpAddress::parse("203.0.113.1")) == nullptr);
}

TEST_CASE("lines come by priority and, within one, by weight") {
  ProxyConfig config = test::FakeWorld::default_config();
  config.line_groups = {{"office",
                         {{"backup", "198.51.100.9", 5060, Transport::kUdp, 5, 1},
                          {"small", "198.51.100.1", 5060, Transport::kUdp, 0, 1},
                          {"large", "198.51.100.2", 5060, Transport::kUdp, 0, 3}}},
                        {"other", {{"x", "198.51.100.3", 5060, Transport::kTcp, 0, 1}}}};
  config.pool_line_groups = {{"south", "other"}};
  const auto routing = routing_of(config);
  std::uint64_t draw = 0;
  const RandomSource random = [&draw] { return draw++; };
  std::map<std::string, int> first;
  for (int i = 0; i < 400; ++i) {
    const auto lines = routing->lines_for("main", random);
    REQUIRE(lines.size() == 3);
    ++first[lines[0].name];
    CHECK(lines[2].name == "backup");
  }
  CHECK(first["small"] == 100);
  CHECK(first["large"] == 300);
  CHECK(routing->lines_for("south", random)[0].name == "x");
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
  CHECK(broken([](auto& c) { c.line_groups[0].lines[0].host = "pbx.local"; }) ==
        "line 'one': 'pbx.local' is no numeric address of one host");
  CHECK(broken([](auto& c) { c.line_groups[0].lines.clear(); }) == "line group 'office' has no line");
  CHECK(broken([](auto& c) { c.default_line_group = "x"; }) == "the default line group 'x' does not exist");
  CHECK(broken([](auto& c) { c.pool_line_groups["p"] = "x"; }) ==
        "pool 'p': the line group 'x' does not exist");
  CHECK_FALSE(broken([](auto& c) { c.headers = {{"Via", "x"}}; }).empty());
  CHECK_FALSE(broken([](auto& c) { c.times.timer_c = std::chrono::minutes(3); }).empty());
  CHECK(broken([](auto&) {}).empty());
}

}  // namespace ringtrace::sip
