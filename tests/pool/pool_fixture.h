#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pool/number_pools.h"

namespace ringtrace::pool::testing {

inline Number number(std::uint64_t last) { return *Number::from_digits(74950000000ULL + last); }

inline Time at(std::chrono::milliseconds since_start) {
  return Time(std::chrono::hours(24 * 365 * 50)) + since_start;
}

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// A pool "main" of `count` numbers, number(0) on, TTL 30 min, hold 150 s, fallback number(900'000'000).
inline PoolConfig pool_config(std::size_t count) {
  PoolConfig pool;
  pool.name = PoolName::cut("main");
  for (std::size_t i = 0; i < count; ++i) pool.numbers.push_back(number(i));
  pool.fallback = *Number::from_digits(78000000001ULL);
  return pool;
}

inline PoolsConfig config_of(std::vector<PoolConfig> pools) {
  PoolsConfig config;
  config.pools = std::move(pools);
  config.hash_key[0] = 1;
  config.known_callers = 64;
  config.attribute_bytes = 1 << 16;
  return config;
}

inline std::unique_ptr<NumberPools> make(const PoolsConfig& config) {
  return std::get<std::unique_ptr<NumberPools>>(NumberPools::create(config));
}

/// One pool with short words for what tests do most.
struct OnePool {
  explicit OnePool(const PoolConfig& pool) : pools(make(config_of({pool}))) {}
  explicit OnePool(std::size_t count) : OnePool(pool_config(count)) {}

  Reservation reserve(const VisitView& visit, Time now, Duration ttl = minutes(30),
                      AdmissionClass admission = AdmissionClass::kNormal) {
    return pools->reserve(main, visit, ttl, admission, now);
  }

  Reservation reserve(std::string_view visit, Time now, Duration ttl = minutes(30)) {
    return reserve(VisitView{visit, "", "google/cpc", ""}, now, ttl);
  }

  /// Reserves and commits.
  Reservation lend(const VisitView& visit, Time now, Duration ttl = minutes(30),
                   AdmissionClass admission = AdmissionClass::kNormal) {
    const Reservation made = reserve(visit, now, ttl, admission);
    if (made.outcome == ReserveOutcome::kReserved) pools->commit(made.ticket, true, now);
    return made;
  }

  Reservation lend(std::string_view visit, Time now, Duration ttl = minutes(30)) {
    return lend(VisitView{visit, "", "google/cpc", ""}, now, ttl);
  }

  Resolution resolve(Number dialed, Time when, Number caller = {}) const {
    return pools->resolve({dialed, caller, when});
  }

  /// Resolves a call and lets the pools learn from it.
  Resolution call(Number dialed, Time when, Number caller) {
    const Resolution answer = resolve(dialed, when, caller);
    pools->observe_call({dialed, caller, when}, answer);
    return answer;
  }

  PoolCounts counts(Time now) const { return pools->counts(main, now); }

  std::unique_ptr<NumberPools> pools;
  PoolIndex main{0};
};

}  // namespace ringtrace::pool::testing
