#include "gateway/changes.h"

#include <algorithm>
#include <utility>

namespace ringtrace::gateway {
namespace {

bool same(const pool::SourceNumber& a, const pool::SourceNumber& b) {
  return a.number == b.number && a.source == b.source;
}

bool same(const std::vector<pool::SourceNumber>& a, const std::vector<pool::SourceNumber>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const pool::SourceNumber& x, const pool::SourceNumber& y) { return same(x, y); });
}

bool same(const pool::AttributionParameters& a, const pool::AttributionParameters& b) {
  const bool propensities =
      std::equal(a.propensities.begin(), a.propensities.end(), b.propensities.begin(), b.propensities.end(),
                 [](const auto& x, const auto& y) {
                   return x.source == y.source && x.calls_per_shown == y.calls_per_shown;
                 });
  return propensities && a.default_propensity == b.default_propensity && a.prompt_share == b.prompt_share &&
         a.later_share == b.later_share && a.day_share == b.day_share && a.prompt_mean == b.prompt_mean &&
         a.later_median == b.later_median && a.later_sigma == b.later_sigma && a.day_median == b.day_median &&
         a.day_sigma == b.day_sigma && a.none_rate == b.none_rate;
}

/// But for the numbers it lends.
bool same(const pool::PoolConfig& a, const pool::PoolConfig& b) {
  return a.name == b.name && a.ttl == b.ttl && a.hold == b.hold && a.fallback == b.fallback &&
         same(a.source_fallbacks, b.source_fallbacks) && same(a.static_numbers, b.static_numbers) &&
         a.on_exhausted == b.on_exhausted && a.durability == b.durability &&
         a.valuable_reserve == b.valuable_reserve;
}

bool same_pools(const pool::PoolsConfig& a, const pool::PoolsConfig& b) {
  return std::equal(a.pools.begin(), a.pools.end(), b.pools.begin(), b.pools.end(),
                    [](const pool::PoolConfig& x, const pool::PoolConfig& y) { return same(x, y); });
}

bool same_attribution(const pool::PoolsConfig& a, const pool::PoolsConfig& b) {
  if (a.pools.empty() || b.pools.empty()) return true;
  return same(a.pools.front().attribution, b.pools.front().attribution);
}

bool same_tls(const SipConfig& a, const SipConfig& b) {
  return a.tls_certificate == b.tls_certificate && a.tls_key == b.tls_key &&
         a.tls_authorities == b.tls_authorities && a.tls_verify_lines == b.tls_verify_lines &&
         a.tls_verify_trunks == b.tls_verify_trunks;
}

}  // namespace

std::vector<std::string_view> needing_restart(const Config& running, const Config& fresh) {
  std::vector<std::string_view> parts;
  const auto note = [&](bool unchanged, std::string_view part) {
    if (!unchanged) parts.push_back(part);
  };
  note(running.name == fresh.name && running.state_directory == fresh.state_directory, "gateway");
  note(running.log == fresh.log, "log");
  note(running.grpc.same_but_for_secrets(fresh.grpc), "grpc");
  note(running.http == fresh.http, "http");
  note(running.redis == fresh.redis, "redis");
  note(running.sip.listen == fresh.sip.listen && running.sip.advertise == fresh.sip.advertise &&
           running.sip.signing_key == fresh.sip.signing_key && same_tls(running.sip, fresh.sip),
       "sip");
  note(same_pools(running.pools, fresh.pools), "pool");
  note(same_attribution(running.pools, fresh.pools), "attribution");
  note(running.pools.known_callers == fresh.pools.known_callers &&
           running.pools.caller_memory == fresh.pools.caller_memory &&
           running.pools.attribute_bytes == fresh.pools.attribute_bytes,
       "memory");
  note(running.events == fresh.events, "events");
  return parts;
}

void take_over_changes(Config& running, Config fresh) {
  fresh.sip.listen = running.sip.listen;
  fresh.sip.advertise = running.sip.advertise;
  fresh.sip.signing_key = running.sip.signing_key;
  running.grpc.tls = std::move(fresh.grpc.tls);
  running.grpc.tokens = std::move(fresh.grpc.tokens);
  running.sip = std::move(fresh.sip);
  running.trunks = std::move(fresh.trunks);
  running.line_groups = std::move(fresh.line_groups);
  for (pool::PoolConfig& pool : running.pools.pools) {
    for (pool::PoolConfig& now : fresh.pools.pools) {
      if (now.name == pool.name) pool.numbers = std::move(now.numbers);
    }
  }
}

}  // namespace ringtrace::gateway
