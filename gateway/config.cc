#include "gateway/config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/config_grpc.h"
#include "gateway/config_pools.h"
#include "gateway/config_reader.h"
#include "sip/header_template.h"

namespace ringtrace::gateway {
namespace {

constexpr std::string_view kEndpointForm = "an address and port such as \"127.0.0.1:7080\" or \"[::1]:7080\"";
constexpr std::string_view kSipForm = "\"udp:ADDRESS:PORT\" or \"tcp:ADDRESS:PORT\", ADDRESS not a name";
constexpr std::string_view kNameForm = "1 to 63 of a-z, 0-9 and dash, beginning with a letter";
constexpr std::size_t kMaxListens = 8;
constexpr std::size_t kMaxRedisNodes = 32;
constexpr std::size_t kMinSigningKeyBytes = 16;
constexpr std::size_t kMaxSecretBytes = 4096;

std::optional<Endpoint> any_port_endpoint(std::string_view text) { return parse_endpoint(text, true); }
std::optional<SipEndpoint> fixed_sip_endpoint(std::string_view text) {
  return parse_sip_endpoint(text, false);
}

void check_name(const TableReader& table, const std::string& name) {
  if (!table.has("name") || pool::is_valid_pool_name(name)) return;
  table.mistakes().add(table.line("name"), table.name_of("name") + " = \"" + name + "\" is no name",
                       std::string(kNameForm));
}

/// Notes a name that an earlier element has.
template <typename Element>
void check_twice(const TableReader& table, const std::vector<Element>& earlier, const std::string& name) {
  const bool twice = std::any_of(earlier.begin(), earlier.end(),
                                 [&](const Element& other) { return !name.empty() && other.name == name; });
  if (!twice) return;
  table.mistakes().add(table.line("name"), table.name_of("name") + " = \"" + name + "\" is there twice",
                       "a name of its own");
}

/// The content of a file named by a key, without the line end; empty after a mistake.
std::string read_secret(const TableReader& table, std::string_view key, const std::string& directory) {
  if (!table.has(key)) return {};
  const std::string path = beside(directory, table.text(key));
  std::ifstream file(path, std::ios::binary);
  std::string content;
  if (file && !std::filesystem::is_directory(path)) {
    content.resize(kMaxSecretBytes);
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<std::size_t>(file.gcount()));
    content = std::string(trimmed(content));
    if (!content.empty()) return content;
  }
  table.mistakes().add(table.line(key), table.name_of(key) + " \"" + path + "\" cannot be read, or is empty",
                       "a file that this user may read");
  return {};
}

LogLevel level_of(std::string_view text) {
  if (text == "trace") return LogLevel::kTrace;
  if (text == "debug") return LogLevel::kDebug;
  if (text == "warning") return LogLevel::kWarning;
  if (text == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

void read_ports(Mistakes& mistakes, const toml::table& root, Config& config) {
  for (const TableReader& table : read_section(mistakes, "gateway", root)) {
    config.name = table.text("name");
    check_name(table, config.name);
    config.state_directory = table.text("state_directory");
  }
  for (const TableReader& table : read_section(mistakes, "log", root)) {
    config.log = {level_of(table.text("level")), table.text("file"), table.size("queue")};
  }
  for (const TableReader& table : read_section(mistakes, "http", root)) {
    config.http.listen = table.parsed<Endpoint>("listen", any_port_endpoint, kEndpointForm);
    config.http.max_connections = table.size("max_connections");
    config.http.idle_timeout = table.duration("idle_timeout");
    config.http.max_header_bytes = table.size("max_header_bytes");
  }
}

void read_redis_nodes(const TableReader& table, RedisConfig& redis) {
  for (const TextAt& text : table.texts("nodes")) {
    const auto node = parse_redis_url("tcp://" + text.text);
    if (node && node->database == 0 && redis.nodes.size() < kMaxRedisNodes) {
      redis.nodes.push_back(*node);
    } else {
      table.mistakes().add(text.line, "[redis] nodes \"" + text.text + "\" cannot be taken",
                           "at most 32 of the form \"HOST:PORT\"");
    }
  }
  const bool sentinel = redis.address.kind == RedisAddress::Kind::kSentinel;
  if (sentinel && !table.has("nodes")) {
    table.mistakes().add(table.line("url"),
                         "[redis] url names a master of Sentinel, and no sentinel is given",
                         "nodes = [\"HOST:26379\"]");
  }
  if (redis.address.kind == RedisAddress::Kind::kServer && table.has("nodes")) {
    table.mistakes().add(table.line("nodes"), "[redis] nodes beside the url of one server",
                         "url = \"sentinel://MASTER\" or \"cluster://HOST:PORT\"");
  }
}

void read_redis_tls(const TableReader& table, const std::string& directory, RedisConfig& redis) {
  const auto file = [&](const char* key) {
    if (!table.has(key)) return std::string();
    const std::string path = beside(directory, table.text(key));
    if (!redis.address.tls) {
      table.mistakes().add(table.line(key), table.name_of(key) + " without TLS",
                           "a url such as \"tls://HOST:PORT\"");
    } else if (!std::ifstream(path)) {
      table.mistakes().add(table.line(key), table.name_of(key) + " \"" + path + "\" cannot be read",
                           "a file that this user may read");
    }
    return path;
  };
  redis.ca_file = file("ca_file");
  redis.certificate_file = file("certificate_file");
  redis.key_file = file("key_file");
  if (redis.certificate_file.empty() == redis.key_file.empty()) return;
  table.mistakes().add(table.line(redis.key_file.empty() ? "certificate_file" : "key_file"),
                       "[redis] certificate_file and key_file belong together", "both or none");
}

void read_redis(Mistakes& mistakes, const toml::table& root, const std::string& directory, Config& config) {
  for (const TableReader& table : read_section(mistakes, "redis", root)) {
    if (root.get("redis") == nullptr) return;
    RedisConfig redis;
    redis.url = table.text("url");
    redis.address = table.parsed<RedisAddress>(
        "url", parse_redis_url,
        "\"unix:///PATH\", \"tcp://HOST:PORT/DATABASE\", \"sentinel://MASTER/DATABASE\" or "
        "\"cluster://HOST:PORT\"; user and password have keys");
    read_redis_nodes(table, redis);
    read_redis_tls(table, directory, redis);
    redis.user = table.text("user");
    redis.password = read_secret(table, "password_file", directory);
    if (!redis.user.empty() && !table.has("password_file")) {
      mistakes.add(table.line("user"), "[redis] user without a password", "password_file = \"...\"");
    }
    redis.sentinel_password = read_secret(table, "sentinel_password_file", directory);
    redis.connect_timeout = table.duration("connect_timeout");
    redis.command_timeout = table.duration("command_timeout");
    redis.max_queue = table.size("max_queue");
    redis.wait_replicas = static_cast<int>(table.integer("wait_replicas"));
    redis.claim = table.duration("claim");
    redis.holder_retention = table.duration("holder_retention");
    config.redis = std::move(redis);
  }
}

void read_headers(const TableReader& table, SipConfig& sip) {
  for (const EntryAt<std::string>& entry : table.text_map("headers")) {
    const auto checked = sip::HeaderTemplate::parse(entry.key, entry.value);
    if (const auto* problem = std::get_if<std::string>(&checked)) {
      table.mistakes().add(entry.line, "[sip.headers] \"" + entry.key + "\": " + *problem);
      continue;
    }
    sip.headers.emplace_back(entry.key, entry.value);
  }
}

void read_listens(const TableReader& table, SipConfig& sip) {
  for (const TextAt& text : table.texts("listen")) {
    const std::optional<SipEndpoint> endpoint = parse_sip_endpoint(text.text, true);
    if (!endpoint) {
      table.mistakes().add(text.line, "[sip] listen \"" + text.text + "\" cannot be read",
                           std::string(kSipForm));
    } else if (std::find(sip.listen.begin(), sip.listen.end(), *endpoint) != sip.listen.end() &&
               endpoint->endpoint.port != 0) {
      table.mistakes().add(text.line, "[sip] listen \"" + text.text + "\" is there twice", "each once");
    } else {
      sip.listen.push_back(*endpoint);
    }
  }
  if (table.has("listen") && (sip.listen.empty() || sip.listen.size() > kMaxListens)) {
    table.mistakes().add(table.line("listen"),
                         "[sip] listen has " + std::to_string(sip.listen.size()) + " usable addresses",
                         "1 to " + std::to_string(kMaxListens));
  }
}

void read_advertise(const TableReader& table, SipConfig& sip) {
  sip.advertise = table.text("advertise");
  const bool single = sip.advertise.find('/') == std::string::npos;
  if (table.has("advertise") && (!is_address_block(sip.advertise) || !single)) {
    table.mistakes().add(table.line("advertise"), "[sip] advertise = \"" + sip.advertise + "\" is no address",
                         "an address without port, such as \"203.0.113.7\"");
  }
  for (const SipEndpoint& listen : sip.listen) {
    if ((listen.endpoint.host != "0.0.0.0" && listen.endpoint.host != "::") || table.has("advertise"))
      continue;
    table.mistakes().add(table.line("listen"),
                         "[sip] listen " + listen.to_string() + " is no address to be reached at",
                         "advertise = \"ADDRESS\" beside it");
    break;
  }
}

void read_signing_key(const TableReader& table, const std::string& directory, SipConfig& sip) {
  const char* key = table.has("signing_key") ? "signing_key" : "signing_key_file";
  if (table.has("signing_key") && table.has("signing_key_file")) {
    table.mistakes().add(table.line("signing_key"), "[sip] signing_key and signing_key_file are both there",
                         "one of them");
    return;
  }
  if (!table.has(key)) return;
  sip.signing_key = table.has("signing_key") ? table.text(key) : read_secret(table, key, directory);
  if (!sip.signing_key.empty() && sip.signing_key.size() < kMinSigningKeyBytes) {
    table.mistakes().add(table.line(key), "[sip] the signing key is too short",
                         "at least " + std::to_string(kMinSigningKeyBytes) + " bytes");
  }
}

void read_sip(Mistakes& mistakes, const toml::table& root, const std::string& directory, Config& config) {
  for (const TableReader& table : read_section(mistakes, "sip", root)) {
    SipConfig& sip = config.sip;
    read_listens(table, sip);
    sip.default_line_group = table.text("default_line_group");
    if (table.has("default_line_group")) {
      std::vector<std::string_view> known;
      for (const LineGroupConfig& group : config.line_groups) known.push_back(group.name);
      check_reference(mistakes, table.line("default_line_group"), "[sip] default_line_group",
                      sip.default_line_group, "line group", known);
    }
    read_advertise(table, sip);
    read_signing_key(table, directory, sip);
    sip.no_provisional_timeout = table.duration("no_provisional_timeout");
    sip.ring_timeout = table.duration("ring_timeout");
    sip.max_call_age = table.duration("max_call_age");
    sip.max_calls = table.size("max_calls");
    sip.max_calls_per_second_of_source = table.size("max_calls_per_second_of_source");
    sip.max_calls_per_second_of_number = table.size("max_calls_per_second_of_number");
    sip.max_queueing_delay = table.duration("max_queueing_delay");
    sip.max_connections = table.size("max_connections");
    sip.idle_connection_timeout = table.duration("idle_connection_timeout");
    sip.session_expires = table.duration("session_expires");
    read_headers(table, sip);
  }
}

std::string read_digits(const TableReader& table, std::string_view key) {
  constexpr std::size_t kMostDigits = 8;
  const std::string text = table.text(key);
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits && text.size() <= kMostDigits) return text;
  table.mistakes().add(table.line(key), table.name_of(key) + " = \"" + text + "\" is no prefix",
                       "1 to 8 digits");
  return {};
}

void read_trunks(Mistakes& mistakes, const toml::table& root, Config& config) {
  for (const TableReader& table : read_section(mistakes, "trunk", root)) {
    TrunkConfig trunk;
    trunk.name = table.text("name");
    check_name(table, trunk.name);
    check_twice(table, config.trunks, trunk.name);
    for (const TextAt& text : table.texts("addresses")) {
      if (is_address_block(text.text)) {
        trunk.addresses.push_back(text.text);
      } else {
        mistakes.add(text.line, "[[trunk]] addresses: \"" + text.text + "\" is no address or block",
                     "an address, or a block from its first address on, such as \"203.0.113.0/24\"");
      }
    }
    if (table.has("addresses") && trunk.addresses.empty()) {
      mistakes.add(table.line("addresses"), "[[trunk]] \"" + trunk.name + "\" has no address",
                   "at least one");
    }
    trunk.international_prefix = read_digits(table, "international_prefix");
    trunk.national_prefix = read_digits(table, "national_prefix");
    trunk.country_code = read_digits(table, "country_code");
    if (trunk.national_prefix.empty() != trunk.country_code.empty()) {
      mistakes.add(table.line(trunk.country_code.empty() ? "national_prefix" : "country_code"),
                   "[[trunk]] \"" + trunk.name + "\": half of a national number",
                   "national_prefix and country_code, or neither");
    }
    config.trunks.push_back(std::move(trunk));
  }
}

void read_line_groups(Mistakes& mistakes, const toml::table& root, Config& config) {
  for (const TableReader& table : read_section(mistakes, "line_group", root)) {
    LineGroupConfig group;
    group.name = table.text("name");
    check_name(table, group.name);
    check_twice(table, config.line_groups, group.name);
    for (const TableReader& inner : table.tables("line")) {
      LineConfig line;
      line.name = inner.text("name");
      check_name(inner, line.name);
      check_twice(inner, group.lines, line.name);
      line.address = inner.parsed<SipEndpoint>("address", fixed_sip_endpoint, kSipForm);
      line.priority = static_cast<std::uint16_t>(inner.integer("priority"));
      line.weight = static_cast<std::uint16_t>(inner.integer("weight"));
      group.lines.push_back(std::move(line));
    }
    config.line_groups.push_back(std::move(group));
  }
}

void read_events(Mistakes& mistakes, const toml::table& root, Config& config) {
  for (const TableReader& table : read_section(mistakes, "events", root)) {
    config.events = {table.duration("retention"), table.size("max_length"), table.size("memory_length"),
                     table.size("spool_bytes")};
  }
}

}  // namespace

std::size_t Config::number_count() const {
  std::size_t count = 0;
  for (const pool::PoolConfig& pool : pools.pools) count += pool.numbers.size() + pool.static_numbers.size();
  return count;
}

std::variant<Config, Mistakes> parse_config(std::string_view text, const std::string& name) {
  Mistakes mistakes(name);
  toml::table root;
  try {
    root = toml::parse(text, std::string_view(name));
  } catch (const toml::parse_error& error) {
    mistakes.add(static_cast<std::uint32_t>(error.source().begin.line),
                 "this is no TOML: " + std::string(error.description()));
    return mistakes;
  }
  const std::string directory = std::filesystem::path(name).parent_path().string();
  Config config;
  note_unknown_sections(mistakes, root);
  read_ports(mistakes, root, config);
  read_redis(mistakes, root, directory, config);
  read_trunks(mistakes, root, config);
  read_line_groups(mistakes, root, config);
  read_sip(mistakes, root, directory, config);
  read_pools(mistakes, root, directory, config);
  read_events(mistakes, root, config);
  read_grpc(mistakes, root, directory, config);
  if (!mistakes.empty()) return mistakes;
  return config;
}

std::variant<Config, Mistakes> load_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (file && !std::filesystem::is_directory(path)) content << file.rdbuf();
  if (!file || std::filesystem::is_directory(path)) {
    Mistakes mistakes(path);
    mistakes.add(0, "this file cannot be read",
                 "a TOML file; ringtraced --print-config-reference writes one");
    return mistakes;
  }
  return parse_config(content.str(), path);
}

}  // namespace ringtrace::gateway
