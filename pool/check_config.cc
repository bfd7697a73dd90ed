#include "pool/check_config.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace ringtrace::pool {
namespace {

constexpr std::size_t kMostNumbers = 16'000'000;
constexpr std::size_t kMostPools = 16'383;  // what a slot's word has room for
constexpr Duration kMonth = std::chrono::hours(24 * 30);

using Mistake = std::optional<std::string>;

std::string in_pool(const PoolConfig& pool, std::string_view text) {
  return "pool \"" + pool.name.to_string() + "\": " + std::string(text);
}

Mistake weights_mistake(const PoolConfig& pool) {
  const AttributionParameters& weights = pool.attribution;
  const auto is_share = [](double value) { return value >= 0 && value <= 1; };
  if (!is_share(weights.default_propensity)) return in_pool(pool, "the default propensity must be 0 to 1");
  for (const auto& known : weights.propensities) {
    if (!is_share(known.calls_per_shown)) {
      return in_pool(pool, "the propensity of source \"" + known.source.to_string() + "\" must be 0 to 1");
    }
  }
  const double sum = weights.prompt_share + weights.later_share + weights.day_share;
  if (!is_share(weights.prompt_share) || !is_share(weights.later_share) || !is_share(weights.day_share) ||
      std::abs(sum - 1) > 1e-6) {
    return in_pool(pool, "the shares of the lag (prompt, later, day) must be 0 to 1 and add up to 1");
  }
  if (weights.prompt_mean <= Duration::zero() || weights.later_median <= Duration::zero() ||
      weights.day_median <= Duration::zero()) {
    return in_pool(pool, "the mean and the medians of the lag must be longer than 0");
  }
  const auto is_spread = [](double value) { return value > 0 && value <= 10; };
  if (!is_spread(weights.later_sigma) || !is_spread(weights.day_sigma)) {
    return in_pool(pool, "the sigmas of the lag must be above 0 and at most 10");
  }
  if (!(weights.none_rate >= 0 && weights.none_rate <= 1)) {
    return in_pool(pool, "the rate of calls from nobody must be 0 to 1 a second");
  }
  return std::nullopt;
}

Mistake pool_mistake(const PoolConfig& pool) {
  if (!is_valid_pool_name(pool.name.view())) {
    return "pool name \"" + pool.name.to_string() +
           "\": must be 1 to 63 of a-z, 0-9 and dash, beginning with a letter";
  }
  if (pool.numbers.size() > kMostNumbers) {
    return in_pool(pool, std::to_string(pool.numbers.size()) + " numbers, at most " +
                             std::to_string(kMostNumbers) + " are possible");
  }
  if (pool.ttl < std::chrono::seconds(1) || pool.ttl > kMonth) {
    return in_pool(pool, "the TTL must be 1 s to 30 days");
  }
  if (pool.hold < Duration::zero() || pool.hold > kMonth) {
    return in_pool(pool, "the hold must be 0 to 30 days");
  }
  if (pool.on_exhausted == OnExhausted::kFallback && !pool.fallback) {
    return in_pool(pool, "a pool that falls back when exhausted needs a fallback number");
  }
  if (pool.valuable_reserve > pool.numbers.size()) {
    return in_pool(pool, "the reserve for valuable visits is larger than the pool");
  }
  std::unordered_set<std::string> sources;
  for (const SourceNumber& own : pool.source_fallbacks) {
    if (!sources.insert(own.source.to_string()).second) {
      return in_pool(pool, "source \"" + own.source.to_string() + "\" has two fallback numbers");
    }
  }
  return weights_mistake(pool);
}

/// What a pool says a number is.
struct Meaning {
  Number number;
  std::uint32_t pool = 0;
  std::uint32_t order = 0;  // of all that was said
  const char* role = "";
};

std::vector<Meaning> meanings_of(const PoolsConfig& config) {
  std::vector<Meaning> meanings;
  std::size_t count = 0;
  for (const PoolConfig& pool : config.pools) {
    count += pool.numbers.size() + pool.static_numbers.size() + pool.source_fallbacks.size() + 1;
  }
  meanings.reserve(count);
  const auto add = [&](std::size_t pool, Number number, const char* role) {
    const auto order = static_cast<std::uint32_t>(meanings.size());
    meanings.push_back({number, static_cast<std::uint32_t>(pool), order, role});
  };
  for (std::size_t i = 0; i < config.pools.size(); ++i) {
    const PoolConfig& pool = config.pools[i];
    for (const Number number : pool.numbers) add(i, number, "dynamic number");
    for (const SourceNumber& own : pool.static_numbers) add(i, own.number, "static number");
    for (const SourceNumber& own : pool.source_fallbacks) add(i, own.number, "source fallback number");
    if (pool.fallback) add(i, pool.fallback, "fallback number");
  }
  return meanings;
}

/// Every number has one meaning. Ten million numbers are sorted faster than hashed, and mostly come sorted.
Mistake number_mistake(const PoolsConfig& config) {
  std::vector<Meaning> meanings = meanings_of(config);
  const auto before = [](const Meaning& a, const Meaning& b) {
    return a.number != b.number ? a.number < b.number : a.order < b.order;
  };
  if (!std::is_sorted(meanings.begin(), meanings.end(), before)) {
    std::sort(meanings.begin(), meanings.end(), before);
  }
  if (!meanings.empty() && !meanings.front().number) {
    return in_pool(config.pools[meanings.front().pool], "an empty " + std::string(meanings.front().role));
  }
  const auto twice =
      std::adjacent_find(meanings.begin(), meanings.end(),
                         [](const Meaning& a, const Meaning& b) { return a.number == b.number; });
  if (twice == meanings.end()) return std::nullopt;
  const Meaning& first = *twice;
  const Meaning& second = *(twice + 1);
  return in_pool(config.pools[second.pool], "number " + second.number.to_string() + " is a " + second.role +
                                                " here and a " + first.role + " of pool \"" +
                                                config.pools[first.pool].name.to_string() + "\" already");
}

}  // namespace

std::optional<std::string> find_mistake(const PoolsConfig& config) {
  if (config.caller_memory < Duration::zero()) return "the memory of callers must not be negative";
  if (config.known_callers > kMostNumbers) {
    return "at most " + std::to_string(kMostNumbers) + " known callers are possible";
  }
  if (config.pools.size() > kMostPools) {
    return std::to_string(config.pools.size()) + " pools, at most " + std::to_string(kMostPools) +
           " are possible";
  }
  std::unordered_set<std::string> names;
  for (const PoolConfig& pool : config.pools) {
    if (Mistake mistake = pool_mistake(pool)) return mistake;
    if (!names.insert(pool.name.to_string()).second) return in_pool(pool, "there are two pools of this name");
  }
  return number_mistake(config);
}

}  // namespace ringtrace::pool
