#include "gateway/config.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/config_checks.h"
#include "gateway/config_pools.h"
#include "gateway/config_reader.h"
#include "gateway/config_sip.h"

namespace ringtrace::gateway {
namespace {

constexpr std::string_view kEndpointForm = "an address and port such as \"127.0.0.1:7080\" or \"[::1]:7080\"";

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
  for (const TableReader& table : read_section(mistakes, "grpc", root)) {
    config.grpc_listen = table.parsed<Endpoint>("listen", any_port_endpoint, kEndpointForm);
  }
  for (const TableReader& table : read_section(mistakes, "http", root)) {
    config.http.listen = table.parsed<Endpoint>("listen", any_port_endpoint, kEndpointForm);
    config.http.max_connections = table.size("max_connections");
    config.http.idle_timeout = table.duration("idle_timeout");
    config.http.max_header_bytes = table.size("max_header_bytes");
  }
}

void read_redis(Mistakes& mistakes, const toml::table& root, const std::string& directory, Config& config) {
  for (const TableReader& table : read_section(mistakes, "redis", root)) {
    if (root.get("redis") == nullptr) return;
    RedisConfig redis;
    redis.url = table.text("url");
    redis.address = table.parsed<RedisAddress>(
        "url", parse_redis_url,
        "\"unix:///PATH\" or \"tcp://HOST:PORT/DATABASE\"; user and password have keys");
    redis.user = table.text("user");
    redis.password = read_secret(table, "password_file", directory);
    if (!redis.user.empty() && !table.has("password_file")) {
      mistakes.add(table.line("user"), "[redis] user without a password", "password_file = \"...\"");
    }
    redis.connect_timeout = table.duration("connect_timeout");
    redis.command_timeout = table.duration("command_timeout");
    redis.max_queue = table.size("max_queue");
    config.redis = std::move(redis);
  }
}

void read_events(Mistakes& mistakes, const toml::table& root, Config& config) {
  for (const TableReader& table : read_section(mistakes, "events", root)) {
    config.events = {table.duration("retention"), table.size("max_length"), table.size("memory_length")};
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
  read_events(mistakes, root, config);
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
