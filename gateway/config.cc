#include "gateway/config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/config_checks.h"
#include "gateway/config_grpc.h"
#include "gateway/config_pools.h"
#include "gateway/config_reader.h"
#include "gateway/config_sip.h"

namespace ringtrace::gateway {
namespace {

constexpr std::string_view kEndpointForm = "an address and port such as \"127.0.0.1:7080\" or \"[::1]:7080\"";
constexpr std::size_t kMaxRedisNodes = 32;

std::optional<Endpoint> any_port_endpoint(std::string_view text) { return parse_endpoint(text, true); }

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

void read_events(Mistakes& mistakes, const toml::table& root, const std::string& directory, Config& config) {
  constexpr std::size_t kLeastKeyBytes = 16;
  for (const TableReader& table : read_section(mistakes, "events", root)) {
    EventsConfig events;
    events.retention = table.duration("retention");
    events.max_length = table.size("max_length");
    events.memory_length = table.size("memory_length");
    events.spool_bytes = table.size("spool_bytes");
    const auto retention_of = [&](const char* key) {
      return table.has(key) ? std::min(table.duration(key), events.retention) : events.retention;
    };
    events.caller_retention = retention_of("caller_retention");
    events.attributes_retention = retention_of("attributes_retention");
    events.caller_key = read_secret(table, "caller_key_file", directory);
    if (!events.caller_key.empty() && events.caller_key.size() < kLeastKeyBytes) {
      mistakes.add(table.line("caller_key_file"), "[events] the caller key is too short",
                   "at least " + std::to_string(kLeastKeyBytes) + " bytes");
    }
    config.events = std::move(events);
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
  read_trunks(mistakes, root, directory, config);
  read_line_groups(mistakes, root, config);
  read_sip(mistakes, root, directory, config);
  read_pools(mistakes, root, directory, config);
  read_events(mistakes, root, directory, config);
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
