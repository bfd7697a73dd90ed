#include "gateway/sip_config.h"

#include <algorithm>
#include <utility>

namespace ringtrace::gateway {
namespace {

/// The advertised address is that of the listeners of its own family.
std::string advertised_for(const SipEndpoint& listen, const std::string& advertise) {
  const auto own = sip::IpAddress::parse(listen.endpoint.host);
  const auto told = sip::IpAddress::parse(advertise);
  return own && told && own->family() == told->family() ? advertise : std::string{};
}

sip::RegistrationConfig to_registration(const RegistrationConfig& from) {
  sip::RegistrationConfig to;
  to.registrars = from.registrars;
  to.domain = from.domain;
  to.user = from.account;
  to.auth_user = from.auth_user;
  to.password = from.password;
  to.expires = std::chrono::duration_cast<std::chrono::seconds>(from.expires);
  return to;
}

sip::TrunkConfig to_trunk(const TrunkConfig& from) {
  sip::TrunkConfig to;
  to.name = from.name;
  to.addresses = from.addresses;
  to.transports = from.transports;
  to.dialed_from = from.dialed_from;
  to.numbers.international_prefix = from.international_prefix;
  to.numbers.national_prefix = from.national_prefix;
  to.numbers.country_code = from.country_code;
  to.numbers.region = from.region;
  for (const auto& [pattern, replacement] : from.rewrites)
    to.numbers.rewrites.push_back({pattern, replacement});
  if (from.emergency_line) {
    to.emergency_line = sip::Target{from.emergency_line->transport, from.emergency_line->endpoint.host,
                                    from.emergency_line->endpoint.port};
  }
  to.is_emergency_line_trusted = from.emergency_line_trusted;
  to.is_trusted = from.trusted;
  if (from.registration) to.registration = to_registration(*from.registration);
  return to;
}

sip::LineGroupConfig to_line_group(const LineGroupConfig& from) {
  sip::LineGroupConfig to;
  to.name = from.name;
  to.ring_timeout = from.ring_timeout;
  to.next_after_ring_timeout = from.next_after_ring_timeout;
  for (const LineConfig& line : from.lines) {
    to.lines.push_back({line.name, line.address.host, line.address.port, line.address.transport,
                        line.priority, line.weight, line.trusted});
  }
  return to;
}

// A second's worth of calls may come at once.
sip::CallRate rate_of(std::size_t per_second) {
  const auto rate = static_cast<std::uint32_t>(per_second);
  return {rate, std::max(rate, 1u)};
}

}  // namespace

sip::ListenConfig to_listen(const SipEndpoint& from, const std::string& advertise) {
  sip::ListenConfig to;
  to.host = from.endpoint.host;
  to.port = from.endpoint.port;
  to.transport = from.transport;
  to.advertised_host = advertised_for(from, advertise);
  return to;
}

sip::ProxyConfig to_proxy_config(const Config& config, std::string signing_key) {
  sip::ProxyConfig result;
  for (const SipEndpoint& listen : config.sip.listen) {
    result.listen.push_back(to_listen(listen, config.sip.advertise));
  }
  for (const TrunkConfig& trunk : config.trunks) result.trunks.push_back(to_trunk(trunk));
  for (const LineGroupConfig& group : config.line_groups) result.line_groups.push_back(to_line_group(group));
  result.default_line_group = config.sip.default_line_group;
  for (std::size_t i = 0; i < config.pools.pools.size(); ++i) {
    if (config.pool_line_groups[i].empty()) continue;
    result.pool_line_groups.emplace(config.pools.pools[i].name.to_string(), config.pool_line_groups[i]);
  }
  for (const auto& [name, text] : config.sip.headers) result.headers.push_back({name, text});
  result.signing_key = std::move(signing_key);
  result.times.no_provisional = config.sip.no_provisional_timeout;
  result.times.ring_timeout = config.sip.ring_timeout;
  result.times.maximum_call = config.sip.max_call_age;
  result.limits.calls = config.sip.max_calls;
  result.limits.calls_per_second_of_source = rate_of(config.sip.max_calls_per_second_of_source);
  result.limits.calls_per_second_of_number = rate_of(config.sip.max_calls_per_second_of_number);
  result.limits.queueing_delay = config.sip.max_queueing_delay;
  result.limits.connections = config.sip.max_connections;
  result.limits.idle_connection = config.sip.idle_connection_timeout;
  result.times.session_expires = std::chrono::duration_cast<std::chrono::seconds>(config.sip.session_expires);
  result.health = {config.sip.health_interval, config.sip.health_timeout, config.sip.health_down_after,
                   config.sip.health_up_after};
  result.dns = {config.sip.dns_servers, config.sip.dns_longest};
  result.tls = {config.sip.tls_certificate, config.sip.tls_key, config.sip.tls_authorities,
                config.sip.tls_verify_lines, config.sip.tls_verify_trunks};
  return result;
}

std::variant<KeptKey, std::string> signing_key_of(const Config& config) {
  return kept_key(config.sip.signing_key, config.state_directory, "sip-signing-key");
}

}  // namespace ringtrace::gateway
