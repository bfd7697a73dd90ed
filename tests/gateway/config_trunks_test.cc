#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "gateway/config.h"
#include "gateway/sip_config.h"
#include "sip/proxy.h"
#include "tests/gateway/good_config.h"
#include "tests/temporary_directory.h"

namespace ringtrace::gateway {
namespace {

// The least configuration with these lines in its trunk, beside a file "password" of its own.
std::variant<Config, Mistakes> with_trunk(const std::string& lines) {
  const test::TemporaryDirectory directory;
  std::ofstream(directory.path() / "password") << "secret\n";
  std::string text(kLeastConfig);
  const std::string old = "addresses = [\"127.0.0.1\"]\n";
  text.replace(text.find(old), old.size(), lines + "\n");
  return parse_config(text, (directory.path() / "test.toml").string());
}

std::string mistake_in(const std::string& lines) {
  const auto result = with_trunk(lines);
  if (!std::holds_alternative<Mistakes>(result)) return "";
  const std::string text = std::get<Mistakes>(result).text();
  return text.substr(text.find("[[trunk]]"));
}

const std::string kAccount = R"(registrars = ["tls:sip.carrier.example", "udp:192.0.2.7:5060"]
account = "100"
password_file = "password"
)";

}  // namespace

TEST_CASE("a trunk's table says where its numbers stand, how they are written and where it registers") {
  const auto result = with_trunk(kAccount + R"(transports = ["tls"]
dialed_from = ["to", "header:X-DID"]
region = "RU"
rewrite = ['^(\d{11})\d\d$ -> +\1']
emergency_line = "udp:192.0.2.9:5060"
register_expires = "1h")");
  if (const auto* mistakes = std::get_if<Mistakes>(&result)) FAIL(mistakes->text());
  const sip::ProxyConfig proxy = to_proxy_config(std::get<Config>(result), "0123456789abcdef");
  CHECK_FALSE(sip::Proxy::check(proxy).has_value());
  const sip::TrunkConfig& trunk = proxy.trunks.at(0);
  CHECK(trunk.transports == std::vector<sip::Transport>{sip::Transport::kTls});
  CHECK(trunk.dialed_from.at(1) == sip::DialedSource::parse("header:X-DID"));
  CHECK(trunk.numbers.region == "RU");
  CHECK(trunk.numbers.rewrites.at(0).replacement == R"(+\1)");
  CHECK(trunk.emergency_line->to_string() == "udp:192.0.2.9:5060");
  REQUIRE(trunk.registration.has_value());
  CHECK(trunk.registration->registrars.at(0).to_string() == "tls:sip.carrier.example");
  CHECK(trunk.registration->password == "secret");
  CHECK(trunk.registration->expires == std::chrono::hours(1));
}

TEST_CASE("mistakes in a trunk's table are told") {
  CHECK(mistake_in("").starts_with("[[trunk]] \"carrier\" has no address"));
  CHECK(mistake_in("addresses = [\"127.0.0.1\"]\ndialed_from = [\"from\"]")
            .starts_with("[[trunk]] dialed_from: \"from\" cannot be read; expected \"r-uri\""));
  CHECK(mistake_in("addresses = [\"127.0.0.1\"]\ntransports = [\"ws\"]")
            .starts_with("[[trunk]] transports: \"ws\" cannot be read"));
  CHECK(mistake_in("addresses = [\"127.0.0.1\"]\nregion = \"RUS\"")
            .starts_with("[[trunk]] region: 'RUS' is no region"));
  CHECK(mistake_in("addresses = [\"127.0.0.1\"]\nrewrite = [\"( -> x\"]")
            .starts_with("[[trunk]] the rewrite of '(': missing )"));
  CHECK(mistake_in("addresses = [\"127.0.0.1\"]\nrewrite = [\"x\"]")
            .starts_with("[[trunk]] rewrite: \"x\" cannot be read; expected 'PATTERN -> REPLACEMENT'"));
  CHECK(mistake_in("addresses = [\"127.0.0.1\"]\nemergency_line = \"udp:pbx.example.com\"")
            .starts_with("[[trunk]] emergency_line = \"udp:pbx.example.com\" cannot be read"));
  CHECK(mistake_in("registrars = [\"udp:x.example\"]")
            .starts_with("[[trunk]] \"carrier\" registers without an account"));
  CHECK(mistake_in(kAccount + "account_domain = \"a b\"")
            .starts_with("[[trunk]] account_domain \"a b\" cannot be read"));
  CHECK(mistake_in("registrars = [\"udp:x.example\"]\naccount = \"1\"\npassword_file = \"none\"")
            .starts_with("[[trunk]] password_file"));
}

TEST_CASE("the advertised address is that of the listeners of its own family") {
  std::string text(kLeastConfig);
  const std::string old = "listen = [\"udp:127.0.0.1:0\"]\n";
  text.replace(text.find(old), old.size(),
               "listen = [\"udp:0.0.0.0:5060\", \"udp:[::1]:5060\"]\nadvertise = \"203.0.113.7\"\n");
  const auto result = parse_config(text, "test.toml");
  REQUIRE(std::holds_alternative<Config>(result));
  const sip::ProxyConfig proxy = to_proxy_config(std::get<Config>(result), "0123456789abcdef");
  CHECK(proxy.listen.at(0).advertised_host == "203.0.113.7");
  CHECK(proxy.listen.at(1).advertised_host.empty());
}

}  // namespace ringtrace::gateway
