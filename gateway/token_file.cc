#include "gateway/token_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>

#include "gateway/config_pools.h"
#include "gateway/config_reader.h"
#include "gateway/config_schema_grpc.h"

namespace ringtrace::gateway {
namespace {

constexpr std::string_view kNameForm = "1 to 63 of a-z, 0-9 and dash, beginning with a letter";
constexpr std::string_view kHashForm = "64 hexadecimal digits, as `ringtracectl token` prints them";
constexpr std::string_view kTimeForm = "an instant with its zone, such as \"2027-01-31T00:00:00Z\"";
constexpr std::size_t kMaxPoolsOfToken = 100;

constexpr SectionSpec kSection{.name = "token",
                               .many = true,
                               .doc = "A client's token, in the file that [grpc] token_file names.",
                               .keys = kTokenKeys};

std::optional<std::string> valid_name(std::string_view text) {
  if (!pool::is_valid_pool_name(text)) return std::nullopt;
  return std::string(text);
}

std::optional<rpc::TokenHash> valid_hash(std::string_view text) { return rpc::parse_token_hash(text); }

/// RFC 3339 in UTC, whole seconds.
std::optional<std::optional<pool::Time>> valid_time(std::string_view text) {
  toml::table parsed;
  try {
    parsed = toml::parse("t = " + std::string(text));
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
  const auto* value = parsed["t"].as_date_time();
  if (value == nullptr || !value->get().offset || text.find('\n') != std::string_view::npos)
    return std::nullopt;
  const toml::date_time& time = value->get();
  const std::chrono::sys_days day = std::chrono::year(time.date.year) / time.date.month / time.date.day;
  return pool::Time(day.time_since_epoch() + std::chrono::hours(time.time.hour) +
                    std::chrono::minutes(time.time.minute) + std::chrono::seconds(time.time.second) -
                    std::chrono::minutes(time.offset->minutes));
}

void read_scopes(const TableReader& table, rpc::TokenGrant& grant) {
  for (const TextAt& text : table.texts("scopes")) {
    if (const std::optional<rpc::Scope> scope = rpc::parse_scope(text.text)) {
      if (!grant.allows(*scope)) grant.scopes.push_back(*scope);
    } else {
      table.mistakes().add(text.line, "[[token]] scopes: \"" + text.text + "\" is no scope",
                           "\"lease\", \"read\" or \"admin\"");
    }
  }
  if (table.has("scopes") && grant.scopes.empty()) {
    table.mistakes().add(table.line("scopes"), "[[token]] \"" + grant.name + "\" may do nothing",
                         "at least one scope");
  }
}

void read_pool_names(const TableReader& table, const pool::PoolsConfig& pools, rpc::TokenGrant& grant) {
  std::vector<std::string> names;
  for (const pool::PoolConfig& pool : pools.pools) names.push_back(pool.name.to_string());
  const std::vector<std::string_view> known(names.begin(), names.end());
  for (const TextAt& text : table.texts("pools")) {
    check_reference(table.mistakes(), text.line, "[[token]] pools", text.text, "pool", known);
    grant.pools.push_back(text.text);
  }
  if (!table.has("pools")) return;
  if (grant.pools.empty() || grant.pools.size() > kMaxPoolsOfToken) {
    table.mistakes().add(
        table.line("pools"),
        "[[token]] \"" + grant.name + "\" is for " + std::to_string(grant.pools.size()) + " pools",
        "1 to " + std::to_string(kMaxPoolsOfToken) + ", or no such key for all of them");
  }
}

rpc::TokenGrant read_token(const TableReader& table, const pool::PoolsConfig& pools) {
  rpc::TokenGrant grant;
  grant.name = table.parsed<std::string>("name", valid_name, kNameForm);
  grant.hash = table.parsed<rpc::TokenHash>("sha256", valid_hash, kHashForm);
  read_scopes(table, grant);
  read_pool_names(table, pools, grant);
  grant.expire_time = table.parsed<std::optional<pool::Time>>("expire_time", valid_time, kTimeForm);
  return grant;
}

/// Notes a name or a token that an earlier table has: whose request would it be?
void check_twice(const TableReader& table, const std::vector<rpc::TokenGrant>& earlier,
                 const rpc::TokenGrant& grant) {
  for (const rpc::TokenGrant& other : earlier) {
    if (table.has("name") && other.name == grant.name) {
      table.mistakes().add(table.line("name"), "[[token]] name \"" + grant.name + "\" is there twice",
                           "a name of its own");
    }
    if (table.has("sha256") && other.hash == grant.hash) {
      table.mistakes().add(table.line("sha256"),
                           "[[token]] \"" + grant.name + "\" is the token of \"" + other.name + "\"",
                           "a token of its own");
    }
  }
}

}  // namespace

const SectionSpec& token_section() { return kSection; }

std::vector<rpc::TokenGrant> read_token_file(Mistakes& mistakes, std::uint32_t line, const std::string& path,
                                             const pool::PoolsConfig& pools) {
  std::vector<rpc::TokenGrant> grants;
  Mistakes found(path);
  toml::table root;
  try {
    root = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    if (!std::ifstream(path)) {
      mistakes.add(line, "[grpc] token_file \"" + path + "\" cannot be read", "a file of [[token]] tables");
    } else {
      mistakes.add_in(path, static_cast<std::uint32_t>(error.source().begin.line),
                      "this is no TOML: " + std::string(error.description()));
    }
    return grants;
  }
  for (const auto& [key, value] : root) {
    if (key.str() == kSection.name) continue;
    found.add(static_cast<std::uint32_t>(key.source().begin.line), "unknown key " + std::string(key.str()),
              "[[token]] tables", kSection.name);
  }
  for (const TableReader& table : read_many(found, kSection, root.get(kSection.name))) {
    rpc::TokenGrant grant = read_token(table, pools);
    check_twice(table, grants, grant);
    grants.push_back(std::move(grant));
  }
  if (grants.empty()) found.add(0, "this file has no [[token]], and nobody would be let in", "at least one");
  if (grants.size() > rpc::kMaxTokens) {
    found.add(0, "this file has " + std::to_string(grants.size()) + " tokens",
              "at most " + std::to_string(rpc::kMaxTokens));
  }
  for (const Mistake& mistake : found.sorted()) {
    mistakes.add_in(mistake.file, mistake.line, mistake.what, mistake.expected, mistake.meant);
  }
  return grants;
}

}  // namespace ringtrace::gateway
