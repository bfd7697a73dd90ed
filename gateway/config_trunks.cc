#include <algorithm>

#include "gateway/config_checks.h"
#include "gateway/config_reader.h"
#include "gateway/config_sip.h"
#include "sip/number_reader.h"

namespace ringtrace::gateway {
namespace {

constexpr std::string_view kTargetForm =
    "\"udp:ADDRESS:PORT\", or a name with or without a port: \"tls:pbx.example.com\"";
constexpr std::string_view kDialedForm =
    "\"r-uri\", \"to\", \"p-called-party-id\", \"diversion\", \"history-info\" or \"header:NAME\"";
constexpr std::string_view kArrow = " -> ";

std::string read_digits(const TableReader& table, std::string_view key) {
  constexpr std::size_t kMostDigits = 8;
  const std::string text = table.text(key);
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits && text.size() <= kMostDigits) return text;
  table.mistakes().add(table.line(key), table.name_of(key) + " = \"" + text + "\" is no prefix",
                       "1 to 8 digits");
  return {};
}

void read_addresses(const TableReader& table, TrunkConfig& trunk) {
  for (const TextAt& text : table.texts("addresses")) {
    if (is_address_block(text.text)) {
      trunk.addresses.push_back(text.text);
    } else {
      table.mistakes().add(text.line, "[[trunk]] addresses: \"" + text.text + "\" is no address or block",
                           "an address, or a block from its first address on, such as \"203.0.113.0/24\"");
    }
  }
  if (!trunk.addresses.empty() || table.has("registrars")) return;
  table.mistakes().add(table.line("addresses"), "[[trunk]] \"" + trunk.name + "\" has no address",
                       "addresses, or registrars, or both");
}

/// The texts of a key, each read by `parse`; mistakes are noted with `expected`.
template <typename Value>
std::vector<Value> read_each(const TableReader& table, std::string_view key,
                             std::optional<Value> (*parse)(std::string_view), std::string_view expected) {
  std::vector<Value> values;
  for (const TextAt& text : table.texts(key)) {
    if (auto value = parse(text.text)) {
      values.push_back(std::move(*value));
    } else {
      table.mistakes().add(text.line, table.name_of(key) + ": \"" + text.text + "\" cannot be read",
                           std::string(expected));
    }
  }
  return values;
}

void read_numbers(const TableReader& table, TrunkConfig& trunk) {
  trunk.international_prefix = read_digits(table, "international_prefix");
  trunk.national_prefix = read_digits(table, "national_prefix");
  trunk.country_code = read_digits(table, "country_code");
  if (trunk.national_prefix.empty() != trunk.country_code.empty()) {
    table.mistakes().add(table.line(trunk.country_code.empty() ? "national_prefix" : "country_code"),
                         "[[trunk]] \"" + trunk.name + "\": half of a national number",
                         "national_prefix and country_code, or neither");
  }
  trunk.region = table.text("region");
  if (!trunk.region.empty() && !trunk.country_code.empty()) {
    table.mistakes().add(table.line("region"), "[[trunk]] \"" + trunk.name + "\": region and country_code",
                         "one of them");
  }
  for (const TextAt& text : table.texts("rewrite")) {
    const std::size_t arrow = text.text.find(kArrow);
    if (arrow == std::string::npos) {
      table.mistakes().add(text.line, "[[trunk]] rewrite: \"" + text.text + "\" cannot be read",
                           "'PATTERN -> REPLACEMENT'");
      continue;
    }
    trunk.rewrites.emplace_back(text.text.substr(0, arrow), text.text.substr(arrow + kArrow.size()));
  }
}

/// What only the reading of numbers itself can tell of region and rewrites.
void check_numbers(const TableReader& table, const TrunkConfig& trunk) {
  sip::NumberPlan plan;
  plan.region = trunk.region;
  const auto by_region = sip::NumberReader::compile(plan);
  if (const auto* problem = std::get_if<std::string>(&by_region))
    table.mistakes().add(table.line("region"), "[[trunk]] region: " + *problem, "two capital letters");
  plan.region.clear();
  for (const auto& [pattern, replacement] : trunk.rewrites) plan.rewrites.push_back({pattern, replacement});
  const auto by_rewrites = sip::NumberReader::compile(plan);
  if (const auto* problem = std::get_if<std::string>(&by_rewrites))
    table.mistakes().add(table.line("rewrite"), "[[trunk]] " + *problem, "RE2 syntax");
}

void read_registration(const TableReader& table, const std::string& directory, TrunkConfig& trunk) {
  if (!table.has("registrars")) return;
  RegistrationConfig& registration = trunk.registration.emplace();
  registration.registrars = read_each<sip::Target>(table, "registrars", parse_sip_target, kTargetForm);
  registration.account = table.text("account");
  registration.domain = table.text("account_domain");
  registration.auth_user = table.text("auth_user");
  registration.password = read_secret(table, "password_file", directory);
  registration.expires = table.duration("register_expires");
  const auto is_token = [](const std::string& text) {
    return text.find_first_of("<>\"@;,: \t\r\n") == std::string::npos;
  };
  if (registration.account.empty() || !is_token(registration.account)) {
    table.mistakes().add(table.line("account"),
                         "[[trunk]] \"" + trunk.name + "\" registers without an account",
                         "account = \"...\", without @ and domain");
  }
  if (!registration.domain.empty() && !sip::is_host_name(registration.domain) &&
      !is_address_block(registration.domain)) {
    table.mistakes().add(table.line("account_domain"),
                         "[[trunk]] account_domain \"" + registration.domain + "\" cannot be read",
                         "a name or an address");
  }
}

}  // namespace

void read_trunks(Mistakes& mistakes, const toml::table& root, const std::string& directory, Config& config) {
  for (const TableReader& table : read_section(mistakes, "trunk", root)) {
    TrunkConfig trunk;
    trunk.name = table.text("name");
    check_name(table, trunk.name);
    check_twice(table, config.trunks, trunk.name);
    read_addresses(table, trunk);
    trunk.transports =
        read_each<sip::Transport>(table, "transports", sip::parse_transport, "\"udp\", \"tcp\" or \"tls\"");
    trunk.dialed_from =
        read_each<sip::DialedSource>(table, "dialed_from", sip::DialedSource::parse, kDialedForm);
    read_numbers(table, trunk);
    check_numbers(table, trunk);
    if (table.has("emergency_line")) {
      trunk.emergency_line = table.parsed<SipEndpoint>(
          "emergency_line", [](std::string_view text) { return parse_sip_endpoint(text, false); },
          "\"udp:ADDRESS:PORT\", ADDRESS not a name");
    }
    trunk.emergency_line_trusted = table.boolean("emergency_line_trusted");
    trunk.trusted = table.boolean("trusted");
    read_registration(table, directory, trunk);
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
      line.address = inner.parsed<sip::Target>("address", parse_sip_target, kTargetForm);
      line.priority = static_cast<std::uint16_t>(inner.integer("priority"));
      line.weight = static_cast<std::uint16_t>(inner.integer("weight"));
      line.trusted = inner.boolean("trusted");
      group.lines.push_back(std::move(line));
    }
    group.ring_timeout = table.duration("ring_timeout");
    group.next_after_ring_timeout = table.text("on_ring_timeout") == "next";
    config.line_groups.push_back(std::move(group));
  }
}

}  // namespace ringtrace::gateway
