#include "gateway/sip_config.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "gateway/changes.h"
#include "gateway/config_schema.h"
#include "gateway/emergency.h"
#include "gateway/name_file.h"
#include "sip/proxy.h"
#include "tests/gateway/good_config.h"
#include "tests/temporary_directory.h"

namespace ringtrace::gateway {
namespace {

Config parsed(std::string_view text) { return std::get<Config>(parse_config(text, "test.toml")); }

Config changed(std::string_view from, std::string_view to) {
  std::string text(kGoodConfig);
  text.replace(text.find(from), from.size(), to);
  return parsed(text);
}

}  // namespace

TEST_CASE("the proxy accepts what the configuration's check accepts") {
  for (const std::string_view text : {kGoodConfig, kLeastConfig}) {
    const auto problem = sip::Proxy::check(to_proxy_config(parsed(text), "0123456789abcdef"));
    INFO(problem.value_or(""));
    CHECK_FALSE(problem.has_value());
  }
}

TEST_CASE("the proxy accepts the least and the most that the configuration's check accepts") {
  std::size_t checked = 0;
  for (const KeySpec& key : config_section("sip").keys) {
    if (key.kind != ValueKind::kDuration) continue;
    for (const std::string_view bound : {key.least, key.most}) {
      std::string text(kLeastConfig);
      text.insert(text.find('\n') + 1, std::string(key.key) + " = \"" + std::string(bound) + "\"\n");
      const auto problem = sip::Proxy::check(to_proxy_config(parsed(text), "0123456789abcdef"));
      INFO(key.key << " = " << bound << ": " << problem.value_or(""));
      CHECK_FALSE(problem.has_value());
      ++checked;
    }
  }
  CHECK(checked > 10);
}

TEST_CASE("the proxy's configuration is the file's") {
  const sip::ProxyConfig config = to_proxy_config(parsed(kGoodConfig), "0123456789abcdef");
  CHECK(config.listen.at(1).transport == sip::Transport::kTcp);
  CHECK(config.listen.at(1).advertised_host == "203.0.113.7");
  CHECK(config.trunks.at(0).addresses.size() == 2);
  CHECK(config.line_groups.at(0).lines.at(1).host == "2001:db8::5");
  CHECK(config.line_groups.at(0).lines.at(0).is_trusted);
  CHECK_FALSE(config.line_groups.at(0).lines.at(1).is_trusted);
  CHECK(config.default_line_group == "office");
  CHECK(config.pool_line_groups == std::map<std::string, std::string, std::less<>>{{"region", "office"}});
  CHECK(config.headers.at(0).name == "x-roistat");
  CHECK(config.limits.calls == 100);
}

TEST_CASE("what the file leaves out is the proxy's own default") {
  const sip::ProxyConfig read = to_proxy_config(parsed(kLeastConfig), "0123456789abcdef");
  const sip::ProxyConfig wanted;
  CHECK(read.times.no_provisional == wanted.times.no_provisional);
  CHECK(read.times.ring_timeout == wanted.times.ring_timeout);
  CHECK(read.times.maximum_call == wanted.times.maximum_call);
  CHECK(read.limits.calls == wanted.limits.calls);
  const sip::NumberPlan plan;
  CHECK(read.trunks.at(0).numbers.international_prefix == plan.international_prefix);
  CHECK(read.trunks.at(0).numbers.national_prefix == plan.national_prefix);
  CHECK(read.trunks.at(0).numbers.country_code == plan.country_code);
  CHECK(read.line_groups.at(0).lines.at(0).weight == sip::LineConfig().weight);
  CHECK(read.line_groups.at(0).lines.at(0).is_trusted == sip::LineConfig().is_trusted);
  CHECK(read.trunks.at(0).is_emergency_line_trusted == sip::TrunkConfig().is_emergency_line_trusted);
  CHECK(read.trunks.at(0).is_trusted == sip::TrunkConfig().is_trusted);
  CHECK(read.line_groups.at(0).lines.at(0).priority == sip::LineConfig().priority);
}

TEST_CASE("a trunk is trusted unless the file says otherwise, also in an emergency") {
  const test::TemporaryDirectory directory;
  const bool trusted = GENERATE(true, false);
  Config config = changed("addresses = [\"203.0.113.0/24\"",
                          std::string("emergency_line = \"udp:192.0.2.9:5060\"\n") +
                              (trusted ? "" : "trusted = false\n") + "addresses = [\"203.0.113.0/24\"");
  CHECK(to_proxy_config(config, "0123456789abcdef").trunks.at(0).is_trusted == trusted);
  config.state_directory = directory.path().string();
  REQUIRE_FALSE(keep_emergency_plan(config, "0123456789abcdef").has_value());
  const auto plan = read_emergency_plan(config.state_directory);
  REQUIRE(plan.has_value());
  CHECK(plan->trunks.at(0).is_trusted == trusted);
}

TEST_CASE("what is kept for an emergency says whether a trunk's emergency line is trusted") {
  const test::TemporaryDirectory directory;
  const bool trusted = GENERATE(true, false);
  Config config = changed("addresses = [\"203.0.113.0/24\"",
                          std::string("emergency_line = \"udp:192.0.2.9:5060\"\nemergency_line_trusted = ") +
                              (trusted ? "true" : "false") + "\naddresses = [\"203.0.113.0/24\"");
  config.state_directory = directory.path().string();
  REQUIRE_FALSE(keep_emergency_plan(config, "0123456789abcdef").has_value());
  const auto plan = read_emergency_plan(config.state_directory);
  REQUIRE(plan.has_value());
  CHECK(plan->trunks.at(0).emergency_line->to_string() == "udp:192.0.2.9:5060");
  CHECK(plan->trunks.at(0).is_emergency_line_trusted == trusted);
}

TEST_CASE("what is kept for an emergency keeps a trunk registered and its dialed numbers read") {
  const test::TemporaryDirectory directory;
  Config config = changed("addresses = [\"203.0.113.0/24\"", R"(emergency_line = "udp:192.0.2.9:5060"
registrars = ["udp:sip.carrier.example", "tcp:192.0.2.7:5070"]
account = "100200"
account_domain = "carrier.example"
auth_user = "digest-user"
register_expires = "20m"
dialed_from = ["to", "header:X-Dialed"]
national_prefix = "8"
country_code = "7"
rewrite = ['^9(\d+)$ -> +\1', '"quoted" -> \0']
addresses = ["203.0.113.0/24")");
  config.trunks.at(0).registration->password = "a \"secret\"";
  config.sip.dns_servers = {"192.0.2.53:53"};
  config.state_directory = directory.path().string();
  const NameFile::Names names = {
      {*parse_sip_target("udp:sip.carrier.example"), {*sip::Endpoint::parse("192.0.2.7:5060")}}};
  REQUIRE(NameFile(config.state_directory).keep(names));
  REQUIRE_FALSE(keep_emergency_plan(config, "0123456789abcdef").has_value());
  struct stat status {};
  REQUIRE(stat((config.state_directory + "/emergency.toml").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);

  const auto plan = read_emergency_plan(config.state_directory);
  REQUIRE(plan.has_value());
  CHECK(plan->dns.servers == config.sip.dns_servers);
  CHECK(plan->dns.remembered == names);
  const sip::TrunkConfig kept = plan->trunks.at(0);
  const sip::TrunkConfig given = to_proxy_config(config, "0123456789abcdef").trunks.at(0);
  REQUIRE(given.registration.has_value());
  CHECK(kept.registration == given.registration);
  CHECK(kept.addresses == given.addresses);
  CHECK(kept.dialed_from == given.dialed_from);
  CHECK(kept.numbers.national_prefix == "8");
  CHECK(kept.numbers.country_code == "7");
  CHECK(kept.numbers.international_prefix == "00");
  REQUIRE(kept.numbers.rewrites.size() == 2);
  CHECK(kept.numbers.rewrites[1].pattern == "\"quoted\"");
  CHECK(kept.numbers.rewrites[1].replacement == "\\0");
}

TEST_CASE("the signing key is kept in the state directory, for this user only") {
  const test::TemporaryDirectory directory;
  Config config = parsed(kLeastConfig);
  config.state_directory = (directory.path() / "made/at/start").string();
  const KeptKey first = std::get<KeptKey>(signing_key_of(config));
  CHECK(first.lasting);
  CHECK(first.key.size() == 64);
  CHECK(std::get<KeptKey>(signing_key_of(config)).key == first.key);

  struct stat status {};
  REQUIRE(stat((config.state_directory + "/sip-signing-key").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  const auto files = std::filesystem::directory_iterator(config.state_directory);
  CHECK(std::distance(begin(files), end(files)) == 1);

  SECTION("a configured key comes first") {
    config.sip.signing_key = "configured-secret-0001";
    CHECK(std::get<KeptKey>(signing_key_of(config)).key == "configured-secret-0001");
  }
  SECTION("without a directory the key is random and does not last") {
    config.state_directory.clear();
    const KeptKey once = std::get<KeptKey>(signing_key_of(config));
    CHECK_FALSE(once.lasting);
    CHECK(once.key.size() == 64);
    CHECK(once.key != std::get<KeptKey>(signing_key_of(config)).key);
  }
  SECTION("a file without a key is told") {
    std::ofstream(config.state_directory + "/sip-signing-key") << "\n";
    const auto result = signing_key_of(config);
    REQUIRE(std::holds_alternative<std::string>(result));
    CHECK(std::get<std::string>(result).find("holds no key") != std::string::npos);
  }
}

TEST_CASE("a state directory that cannot be is told") {
  Config config = parsed(kLeastConfig);
  config.state_directory = "/dev/null/state";
  const auto result = signing_key_of(config);
  REQUIRE(std::holds_alternative<std::string>(result));
  CHECK(std::get<std::string>(result).starts_with("[gateway] state_directory: /dev/null/state/"));
}

TEST_CASE("a reload takes over trunks, lines and numbers, and names what needs a restart") {
  using Parts = std::vector<std::string_view>;
  const Config running = parsed(kGoodConfig);
  CHECK(needing_restart(running, parsed(kGoodConfig)).empty());
  CHECK(needing_restart(running, changed("198.51.100.7", "198.51.100.8")).empty());
  CHECK(needing_restart(running, changed("udp:10.0.0.5:5060", "udp:10.0.0.6:5060")).empty());
  CHECK(needing_restart(running, changed("max_calls = 100", "max_calls = 200")).empty());
  CHECK(needing_restart(running, changed("127.0.0.1:7080", "127.0.0.1:7090")) == Parts{"grpc"});
  CHECK(needing_restart(running, changed("[::1]:7081", "[::1]:7091")) == Parts{"http"});
  CHECK(needing_restart(running, changed("udp:0.0.0.0:5060", "udp:0.0.0.0:5070")) == Parts{"sip"});
  CHECK(needing_restart(running, changed("command_timeout = \"2s\"", "command_timeout = \"3s\"")) ==
        Parts{"redis"});
  CHECK(needing_restart(running, changed("ttl = \"1h30m\"", "ttl = \"1h\"")) == Parts{"pool"});
  CHECK(needing_restart(running, changed("billboard/m4", "billboard/m5")) == Parts{"pool"});
  CHECK(needing_restart(running, changed("\"google/cpc\" = 0.05", "\"google/cpc\" = 0.06")) ==
        Parts{"attribution"});
  CHECK(needing_restart(running, changed("level = \"debug\"", "level = \"info\"")) == Parts{"log"});

  Config merged = running;
  take_over_changes(merged, changed("198.51.100.7", "198.51.100.8"));
  CHECK(merged.trunks.at(0).addresses.at(1) == "198.51.100.8");
  CHECK(merged.sip.listen == running.sip.listen);
}

}  // namespace ringtrace::gateway
