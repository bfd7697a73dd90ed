#pragma once

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "pool/number_pools.h"

namespace ringtrace::bench {

/// What the pool's benchmarks measure on: one pool of neighbouring numbers and visits with short names, all
/// of one source, without attributes; no hold, so that numbers can go round in a virtual time that hardly
/// moves.
inline constexpr pool::Time kStart{std::chrono::hours(24 * 365 * 50)};
inline constexpr pool::Duration kTtl = std::chrono::hours(24);
inline constexpr std::string_view kSource = "google/cpc";

inline pool::Number number(std::size_t i) { return *pool::Number::from_digits(74950000000ULL + i); }

inline pool::Number unknown_caller() { return *pool::Number::from_digits(79160000000ULL); }

/// "v" and the digits, without allocation.
class VisitName {
 public:
  explicit VisitName(std::uint64_t visit)
      : size_(static_cast<std::size_t>(std::to_chars(text_ + 1, text_ + sizeof text_, visit).ptr - text_)) {}
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[22] = {'v'};
  std::size_t size_;
};

/// Ends the program when what is measured is not what it is said to be. Not inside the clock.
inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "bench: not so: %s\n", what);
  std::exit(1);
}

inline pool::PoolsConfig config_of(std::size_t numbers) {
  pool::PoolConfig config;
  config.name = pool::PoolName::cut("main");
  config.numbers.reserve(numbers);
  for (std::size_t i = 0; i < numbers; ++i) config.numbers.push_back(number(i));
  config.ttl = kTtl;
  config.hold = pool::Duration{};
  config.on_exhausted = pool::OnExhausted::kRefuse;
  pool::PoolsConfig all;
  all.pools.push_back(std::move(config));
  all.hash_key[0] = 1;
  return all;
}

inline std::unique_ptr<pool::NumberPools> make_pools(const pool::PoolsConfig& config) {
  return std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(config));
}

/// A lease whole: reserved, and committed as durable. Returns the number.
template <typename Pools>
pool::Number lend(Pools& pools, std::string_view visit, pool::Time now) {
  const auto made = pools.reserve({}, {visit, "", kSource, ""}, kTtl, pool::AdmissionClass::kNormal, now);
  pools.commit(made.ticket, true, now);
  return made.number;
}

}  // namespace ringtrace::bench
