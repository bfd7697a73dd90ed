#include "gateway/config_sip.h"

#include <algorithm>
#include <fstream>

#include "gateway/config_checks.h"
#include "gateway/config_pools.h"
#include "gateway/config_reader.h"
#include "sip/header_template.h"

namespace ringtrace::gateway {
namespace {

constexpr std::string_view kListenForm =
    "\"udp:ADDRESS:PORT\", \"tcp:ADDRESS:PORT\" or \"tls:ADDRESS:PORT\", ADDRESS not a name";
constexpr std::size_t kMaxListens = 8;
constexpr std::size_t kMinSigningKeyBytes = 16;

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
                           std::string(kListenForm));
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

void read_dns_servers(const TableReader& table, SipConfig& sip) {
  for (const TextAt& text : table.texts("dns_servers")) {
    if (parse_endpoint(text.text, false)) {
      sip.dns_servers.push_back(text.text);
    } else {
      table.mistakes().add(text.line, "[sip] dns_servers: \"" + text.text + "\" cannot be read",
                           "an address and port such as \"192.0.2.53:53\"");
    }
  }
}

/// The path of a file that is there; empty after a mistake.
std::string readable(const TableReader& table, std::string_view key, const std::string& directory) {
  if (!table.has(key)) return {};
  std::string path = beside(directory, table.text(key));
  if (std::ifstream(path, std::ios::binary).get() != std::ifstream::traits_type::eof()) return path;
  table.mistakes().add(table.line(key), table.name_of(key) + " \"" + path + "\" cannot be read, or is empty",
                       "a file that this user may read");
  return {};
}

void read_tls(const TableReader& table, const std::string& directory, SipConfig& sip) {
  sip.tls_certificate = readable(table, "tls_certificate", directory);
  sip.tls_key = readable(table, "tls_key", directory);
  sip.tls_authorities = readable(table, "tls_authorities", directory);
  const std::string verify = table.text("tls_verify");
  sip.tls_verify_lines = verify != "none";
  sip.tls_verify_trunks = verify == "all";
  const bool listens = std::any_of(sip.listen.begin(), sip.listen.end(), [](const SipEndpoint& endpoint) {
    return endpoint.transport == sip::Transport::kTls;
  });
  if (listens && !(table.has("tls_certificate") && table.has("tls_key"))) {
    table.mistakes().add(table.line("listen"), "[sip] listen has a tls: address, but no certificate",
                         "tls_certificate and tls_key");
  } else if (table.has("tls_certificate") != table.has("tls_key")) {
    table.mistakes().add(table.line(table.has("tls_key") ? "tls_key" : "tls_certificate"),
                         "[sip] half of a certificate", "tls_certificate and tls_key, or neither");
  }
}

}  // namespace

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
    sip.health_interval = table.duration("health_interval");
    sip.health_timeout = table.duration("health_timeout");
    sip.health_down_after = static_cast<unsigned>(table.integer("health_down_after"));
    sip.health_up_after = static_cast<unsigned>(table.integer("health_up_after"));
    sip.dns_longest = table.duration("dns_longest");
    read_dns_servers(table, sip);
    read_tls(table, directory, sip);
    read_headers(table, sip);
  }
}

}  // namespace ringtrace::gateway
