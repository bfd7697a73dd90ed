#include "gateway/config.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/config_schema.h"
#include "tests/gateway/good_config.h"
#include "tests/temporary_directory.h"

namespace ringtrace::gateway {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Config good(const std::string& text) {
  auto result = parse_config(text, "test.toml");
  if (auto* mistakes = std::get_if<Mistakes>(&result)) FAIL(mistakes->text());
  return std::get<Config>(std::move(result));
}

std::vector<std::string> mistakes_of(const std::string& text) {
  auto result = parse_config(text, "test.toml");
  std::vector<std::string> lines;
  if (const auto* mistakes = std::get_if<Mistakes>(&result)) {
    for (const Mistake& mistake : mistakes->sorted()) lines.push_back(mistake.text());
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string result;
  for (const std::string& line : lines) result += line + "\n";
  return result;
}

/// The good configuration with one line replaced, and that line's number.
struct Changed {
  std::string text;
  std::uint32_t line = 0;
};

Changed change(std::string_view from, std::string_view to) {
  std::string text(kGoodConfig);
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  const auto line =
      static_cast<std::uint32_t>(1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n'));
  text.replace(at, from.size(), to);
  return {text, line};
}

}  // namespace

TEST_CASE("a good configuration becomes what it says") {
  const Config config = good(std::string(kGoodConfig));
  CHECK(config.name == "gateway-1");
  CHECK(config.log.level == LogLevel::kDebug);
  CHECK(config.grpc.listen.to_string() == "127.0.0.1:7080");
  CHECK(config.http.listen.to_string() == "[::1]:7081");
  REQUIRE(config.redis.has_value());
  CHECK(config.redis->address.socket_path == "/run/redis/redis.sock");
  CHECK(config.redis->command_timeout == seconds(2));
  REQUIRE(config.sip.listen.size() == 2);
  CHECK(config.sip.listen[1].to_string() == "tcp:0.0.0.0:5060");
  CHECK(config.sip.headers == std::vector<std::pair<std::string, std::string>>{{"x-roistat", "{visit_id}"}});
  CHECK(config.trunks.at(0).addresses == std::vector<std::string>{"203.0.113.0/24", "198.51.100.7"});
  CHECK(config.line_groups.at(0).lines.at(1).weight == 3);
  REQUIRE(config.pools.pools.size() == 2);

  const pool::PoolConfig& main = config.pools.pools[0];
  CHECK(main.numbers.size() == 11);
  CHECK(main.numbers.back().to_string() == "+74950000019");
  CHECK(main.ttl == hours(1) + minutes(30));
  CHECK(main.fallback.to_string() == "+74950000100");
  REQUIRE(main.source_fallbacks.size() == 1);
  CHECK(main.source_fallbacks[0].source.view() == "google/cpc");
  REQUIRE(main.static_numbers.size() == 1);
  CHECK(main.static_numbers[0].source.view() == "billboard/m4");
  CHECK(main.attribution.propensities.at(0).calls_per_shown == Approx(0.05));
  CHECK(config.pools.pools[1].on_exhausted == pool::OnExhausted::kRefuse);
  CHECK(config.pools.pools[1].durability == pool::Durability::kRequired);
  CHECK(config.pool_line_groups == std::vector<std::string>{"", "office"});
  CHECK(config.number_count() == 13);
}

TEST_CASE("what a file leaves out has the documented default, which is the pool's own") {
  const Config config = good(std::string(kLeastConfig));
  const pool::PoolConfig wanted;
  const pool::PoolConfig& read = config.pools.pools.at(0);
  CHECK_FALSE(config.redis.has_value());
  CHECK(read.ttl == wanted.ttl);
  CHECK(read.hold == wanted.hold);
  CHECK(read.on_exhausted == wanted.on_exhausted);
  CHECK(read.durability == wanted.durability);
  CHECK(read.valuable_reserve == wanted.valuable_reserve);
  CHECK(read.attribution.default_propensity == wanted.attribution.default_propensity);
  CHECK(read.attribution.prompt_share == wanted.attribution.prompt_share);
  CHECK(read.attribution.later_share == wanted.attribution.later_share);
  CHECK(read.attribution.day_share == wanted.attribution.day_share);
  CHECK(read.attribution.prompt_mean == wanted.attribution.prompt_mean);
  CHECK(read.attribution.later_median == wanted.attribution.later_median);
  CHECK(read.attribution.later_sigma == wanted.attribution.later_sigma);
  CHECK(read.attribution.day_median == wanted.attribution.day_median);
  CHECK(read.attribution.day_sigma == wanted.attribution.day_sigma);
  CHECK(read.attribution.none_rate == Approx(wanted.attribution.none_rate));
  const pool::PoolsConfig pools;
  CHECK(config.pools.known_callers == pools.known_callers);
  CHECK(config.pools.caller_memory == pools.caller_memory);
  CHECK(config.pools.attribute_bytes == pools.attribute_bytes);
}

TEST_CASE("each mistake is told with its line, what was expected, and the nearest word") {
  struct Row {
    const char* from;
    const char* to;
    const char* says;  ///< after "test.toml:LINE: "
  };
  const Row rows[] = {
      {"ttl = \"1h30m\"", "tll = \"1h30m\"", "unknown key [[pool]] tll; did you mean 'ttl'?"},
      {"level = \"debug\"", "levle = \"debug\"", "unknown key [log] levle; did you mean 'level'?"},
      {"level = \"debug\"", "ttl = \"30m\"", "unknown key [log] ttl; did you mean '[[pool]] ttl'?"},
      {"level = \"debug\"", "zzzz = 1", "unknown key [log] zzzz; expected one of level, file, queue"},
      {"level = \"debug\"", "level = \"debgu\"",
       "[log] level = \"debgu\" is not known; expected one of \"trace\", \"debug\", \"info\", \"warning\", "
       "\"error\"; did you mean 'debug'?"},
      {"level = \"debug\"", "level = 3", "[log] level is a whole number; expected a text in quotes"},
      {"[log]", "[lgo]", "unknown table lgo; did you mean '[log]'?"},
      {"ttl = \"1h30m\"", "ttl = 1800",
       "[[pool]] ttl is a whole number; expected a duration such as \"250ms\", \"150s\", \"1h30m\" or "
       "\"7d\""},
      {"ttl = \"1h30m\"", "ttl = \"90 min\"",
       "[[pool]] ttl = \"90 min\" is no duration; expected a duration such as \"250ms\", \"150s\", \"1h30m\" "
       "or "
       "\"7d\""},
      {"ttl = \"1h30m\"", "ttl = \"31d\"", "[[pool]] ttl = \"31d\" is out of range; expected 1s to 30d"},
      {"trusted = false", "trusted = \"no\"",
       "[[line_group.line]] trusted is a text; expected true or false"},
      {"max_calls = 100", "max_calls = 0", "[sip] max_calls = 0 is out of range; expected 1 to 1000000"},
      {"max_calls = 100", "max_calls = 1.5",
       "[sip] max_calls is a number with a fraction; expected a whole number"},
      {"\"+74950000001\",", "\"+7495abc\",",
       "[[pool]] \"main\": \"+7495abc\" is no number; expected an E.164 number such as \"+74950000001\", or "
       "a "
       "range \"+74950000010-+74950000019\""},
      {"\"198.51.100.7\"", "\"198.51.100.700\"",
       "[[trunk]] addresses: \"198.51.100.700\" is no address or block; expected an address, or a block from "
       "its first address on, such as \"203.0.113.0/24\""},
      {"\"203.0.113.0/24\"", "\"203.0.113.5/24\"",
       "[[trunk]] addresses: \"203.0.113.5/24\" is no address or block; expected an address, or a block from "
       "its first address on, such as \"203.0.113.0/24\""},
      {"listen = \"127.0.0.1:7080\"", "listen = \"localhost:7080\"",
       "[grpc] listen = \"localhost:7080\" cannot be read; expected an address and port such as "
       "\"127.0.0.1:7080\" or \"[::1]:7080\""},
      {"listen = \"127.0.0.1:7080\"", "listen = \"127.0.0.1:70800\"",
       "[grpc] listen = \"127.0.0.1:70800\" cannot be read; expected an address and port such as "
       "\"127.0.0.1:7080\" or \"[::1]:7080\""},
      {"\"tcp:0.0.0.0:5060\"", "\"ws:0.0.0.0:5061\"",
       "[sip] listen \"ws:0.0.0.0:5061\" cannot be read; expected \"udp:ADDRESS:PORT\", "
       "\"tcp:ADDRESS:PORT\" or \"tls:ADDRESS:PORT\", ADDRESS not a name"},
      {"\"udp:0.0.0.0:5060\"", "\"tls:0.0.0.0:5061\"",
       "[sip] listen has a tls: address, but no certificate; expected tls_certificate and tls_key"},
      {"default_line_group = \"office\"", "default_line_group = \"offcie\"",
       "[sip] default_line_group = \"offcie\": there is no such line group; expected the name of a line "
       "group; "
       "did you mean 'office'?"},
      {"line_group = \"office\" # region", "line_group = \"warehouse\"",
       "[[pool]] line_group = \"warehouse\": there is no such line group; expected the name of a line group "
       "such as \"office\""},
      {"pool = \"main\"", "pool = \"mian\"",
       "[[static]] pool = \"mian\": there is no such pool; expected the name of a pool; did you mean "
       "'main'?"},
      {"name = \"region\"", "name = \"main\"",
       "[[pool]] \"main\" is there twice; expected a name of its own"},
      {"name = \"region\"", "name = \"Region 1\"",
       "[[pool]] name = \"Region 1\" is no name of a pool; expected 1 to 63 of a-z, 0-9 and dash, beginning "
       "with a letter"},
      {"\"+78120000001\"", "\"+74950000012\"",
       "[[pool]] \"region\": +74950000012 stands elsewhere already; expected each number once; the other "
       "place "
       "is [[pool]] \"main\" in test.toml:39"},
      {"number = \"+74950000200\"", "number = \"+74950000010\"",
       "[[static]] number: +74950000010 stands elsewhere already; expected each number once; the other place "
       "is [[pool]] \"main\" in test.toml:39"},
      {"advertise = \"203.0.113.7\"", "advertise = \"pbx.example.com\"",
       "[sip] advertise = \"pbx.example.com\" is no address; expected an address without port, such as "
       "\"203.0.113.7\""},
      {"max_calls = 100", "signing_key = \"short\"",
       "[sip] the signing key is too short; expected at least 16 bytes"},
      {"name = \"carrier\"", "national_prefix = \"8\"\nname = \"carrier\"",
       "[[trunk]] \"carrier\": half of a national number; expected national_prefix and country_code, or "
       "neither"},
      {"prompt_share = 0.6", "prompt_share = 0.7",
       "[attribution] the shares add up to 1.100000; expected prompt_share + later_share + day_share = 1"},
      {"\"google/cpc\" = 0.05", "\"google/cpc\" = 5",
       "[attribution.propensities] \"google/cpc\" = 5.000000 is out of range; expected 0 to 1"},
      {"\"x-roistat\"", "\"x roistat\"", "[sip.headers] \"x roistat\": "},
      {"{visit_id}", "{visitor}", "[sip.headers] \"x-roistat\": "},
      {"url = \"unix:///run/redis/redis.sock\"", "url = \"redis://localhost\"",
       "[redis] url = \"redis://localhost\" cannot be read; expected \"unix:///PATH\", "
       "\"tcp://HOST:PORT/DATABASE\", \"sentinel://MASTER/DATABASE\" or \"cluster://HOST:PORT\"; user and "
       "password have keys"},
      {"url = \"unix:///run/redis/redis.sock\"", "url = \"sentinel://leases\"",
       "[redis] url names a master of Sentinel, and no sentinel is given; expected nodes = [\"HOST:26379\"]"},
      {"command_timeout = \"2s\"", "nodes = [\"10.0.0.1:26379\"]",
       "[redis] nodes beside the url of one server; expected url = \"sentinel://MASTER\" or "},
      {"command_timeout = \"2s\"", "ca_file = \"ca.pem\"",
       "[redis] ca_file without TLS; expected a url such as \"tls://HOST:PORT\""},
      {"level = \"debug\"", "level = debug",
       "this is no TOML: Error while parsing value: could not determine value type"},
  };
  for (const Row& row : rows) {
    const Changed changed = change(row.from, row.to);
    INFO("with " << row.to);
    const std::vector<std::string> lines = mistakes_of(changed.text);
    const std::string wanted = "test.toml:" + std::to_string(changed.line) + ": " + row.says;
    INFO("wanted " << wanted);
    INFO("found\n" << joined(lines));
    CHECK(std::any_of(lines.begin(), lines.end(),
                      [&](const std::string& line) { return line.starts_with(wanted); }));
  }
}

TEST_CASE("all mistakes are told at once, in the order of the file") {
  const std::vector<std::string> lines = mistakes_of(R"(
[grpc]
listen = "nowhere"
[sip]
listen = []
default_line_group = "office"
max_call = 3
[[trunk]]
name = "carrier"
[[line_group]]
name = "offices"
[[line_group.line]]
name = "pbx"
adress = "udp:127.0.0.1:5080"
[[pool]]
name = "main"
numbers = ["+74950000001", 5]
)");
  INFO(joined(lines));
  REQUIRE(lines.size() == 9);
  const std::uint32_t where[] = {3, 5, 6, 7, 8, 12, 14, 15, 17};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CHECK(lines[i].starts_with("test.toml:" + std::to_string(where[i]) + ": "));
  }
  CHECK(lines[4] ==
        "test.toml:8: [[trunk]] \"carrier\" has no address; expected addresses, or registrars, or both");
  CHECK(lines[6] == "test.toml:14: unknown key [[line_group.line]] adress; did you mean 'address'?");
}

TEST_CASE("an empty file is told what it needs") {
  const std::vector<std::string> lines = mistakes_of("");
  INFO(joined(lines));
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "test.toml: [[trunk]] is missing; expected at least one");
}

TEST_CASE("more mistakes than anyone reads are counted") {
  std::string text(kLeastConfig);
  text += "[log]\n";
  for (int i = 0; i < 500; ++i) text += "unknown" + std::to_string(i) + " = 1\n";
  const auto result = parse_config(text, "test.toml");
  REQUIRE(std::holds_alternative<Mistakes>(result));
  const Mistakes& mistakes = std::get<Mistakes>(result);
  CHECK(mistakes.count() == 500);
  CHECK(mistakes.sorted().size() == Mistakes::kMost);
  CHECK(mistakes.text().ends_with("test.toml: and 300 more mistakes\n"));
}

TEST_CASE("a range is counted before it is written out") {
  const Changed changed = change("\"+74950000010-+74950000019\"", "\"+74950000010-+994950000019\"");
  const std::vector<std::string> lines = mistakes_of(changed.text);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("too many numbers") != std::string::npos);
  CHECK(lines[0].find("at most 10000000 in all pools") != std::string::npos);
}

TEST_CASE("numbers and secrets come from files beside the configuration") {
  const test::TemporaryDirectory files;
  const std::string directory = files.path().string();
  std::ofstream(directory + "/numbers") << "+74950000500   # the first\n\n+74950000501-+74950000503\n";
  std::ofstream(directory + "/password") << "secret\n";
  std::ofstream(directory + "/key") << "short\n";
  Changed changed = change("ttl = \"1h30m\"", "numbers_file = \"numbers\"");
  changed.text.insert(changed.text.find("[sip]\n"), "password_file = \"password\"\n");

  const std::string name = directory + "/ringtrace.toml";
  SECTION("good ones are read") {
    const auto result = parse_config(changed.text, name);
    REQUIRE(std::holds_alternative<Config>(result));
    const Config& config = std::get<Config>(result);
    CHECK(config.pools.pools[0].numbers.size() == 15);
    CHECK(config.redis->password == "secret");
  }
  SECTION("a bad line is told with the file's own name and line") {
    std::ofstream(directory + "/numbers") << "+74950000500\nhello\n";
    const auto result = parse_config(changed.text, name);
    REQUIRE(std::holds_alternative<Mistakes>(result));
    CHECK(std::get<Mistakes>(result).text().starts_with(directory +
                                                        "/numbers:2: [[pool]] \"main\": \"hello\" "));
  }
  SECTION("missing files and short keys are told") {
    changed.text.insert(changed.text.find("max_calls"), "signing_key_file = \"key\"\n");
    std::filesystem::remove(directory + "/password");
    const auto result = parse_config(changed.text, name);
    REQUIRE(std::holds_alternative<Mistakes>(result));
    const std::string text = std::get<Mistakes>(result).text();
    INFO(text);
    CHECK(text.find("[redis] password_file \"" + directory + "/password\" cannot be read") !=
          std::string::npos);
    CHECK(text.find("the signing key is too short; expected at least 16 bytes") != std::string::npos);
  }
}

TEST_CASE("Redis behind Sentinel and over TLS is read") {
  Changed changed = change("url = \"unix:///run/redis/redis.sock\"",
                           "url = \"sentinel+tls://leases/2\"\nnodes = [\"10.0.0.1:26379\", \"s2:26380\"]");
  const auto result = parse_config(changed.text, "test.toml");
  REQUIRE(std::holds_alternative<Config>(result));
  const RedisConfig& redis = *std::get<Config>(result).redis;
  CHECK(redis.address.kind == RedisAddress::Kind::kSentinel);
  CHECK(redis.address.master == "leases");
  CHECK(redis.address.database == 2);
  CHECK(redis.address.tls);
  REQUIRE(redis.nodes.size() == 2);
  CHECK(redis.nodes[1].host == "s2");
  CHECK(redis.nodes[1].port == 26380);
}

TEST_CASE("a file that is not there is told by its name") {
  const auto result = load_config("/nonexistent/ringtrace.toml");
  REQUIRE(std::holds_alternative<Mistakes>(result));
  CHECK(
      std::get<Mistakes>(result).text().starts_with("/nonexistent/ringtrace.toml: this file cannot be read"));
}

TEST_CASE("the printed reference is itself a configuration, whose only mistakes are what has no default") {
  std::ostringstream out;
  print_config_reference(out);
  const std::vector<std::string> lines = mistakes_of(out.str());
  for (const std::string& line : lines) {
    INFO(line);
    CHECK((line.find("is missing") != std::string::npos || line.find("has no numbers") != std::string::npos ||
           line.find("has no fallback") != std::string::npos ||
           line.find("has no address") != std::string::npos));
  }
}

}  // namespace ringtrace::gateway
