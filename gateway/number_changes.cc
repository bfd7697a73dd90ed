#include "gateway/number_changes.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace ringtrace::gateway {
namespace {

using Numbers = std::vector<pool::Number>;

Numbers sorted(Numbers numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

Numbers without(const Numbers& numbers, const Numbers& others) {
  Numbers left;
  std::set_difference(numbers.begin(), numbers.end(), others.begin(), others.end(), std::back_inserter(left));
  return left;
}

Numbers both(const Numbers& numbers, const Numbers& others) {
  Numbers all;
  std::set_union(numbers.begin(), numbers.end(), others.begin(), others.end(), std::back_inserter(all));
  return all;
}

bool is_lent(const pool::NumberPools& pools, pool::PoolIndex pool, pool::Number number) {
  const pool::Resolution use = pools.resolve({number, {}, pool::Time{}});
  return use.pool == pools.config(pool).name && use.method != pool::ResolutionMethod::kStaticSource &&
         use.method != pool::ResolutionMethod::kFallback;
}

}  // namespace

void NumberChanges::follow_with(const NumberChanges& later) {
  added = both(without(added, later.drained), later.added);
  drained = both(without(drained, later.added), later.drained);
}

void NumberChanges::leave_out(const Numbers& numbers) {
  added = without(added, numbers);
  drained = without(drained, numbers);
}

std::vector<NumberChanges> number_changes(const pool::PoolsConfig& running, const pool::PoolsConfig& fresh) {
  std::vector<NumberChanges> all;
  for (std::uint32_t i = 0; i < running.pools.size(); ++i) {
    const auto now = std::find_if(fresh.pools.begin(), fresh.pools.end(), [&](const pool::PoolConfig& pool) {
      return pool.name == running.pools[i].name;
    });
    if (now == fresh.pools.end() || now->numbers == running.pools[i].numbers) continue;
    const Numbers before = sorted(running.pools[i].numbers);
    const Numbers after = sorted(now->numbers);
    NumberChanges changes{{i}, without(after, before), without(before, after)};
    if (!changes.empty()) all.push_back(std::move(changes));
  }
  return all;
}

void apply(const NumberChanges& changes, pool::NumberPools& pools, Log& log) {
  if (changes.empty()) return;
  const std::size_t drained = pools.drain_numbers(changes.pool, changes.drained);
  const std::size_t added = pools.add_numbers(changes.pool, changes.added);
  const auto left_out = std::count_if(changes.added.begin(), changes.added.end(), [&](pool::Number number) {
    return !is_lent(pools, changes.pool, number);
  });
  const std::string_view name = pools.config(changes.pool).name.view();
  log.info("numbers taken over", {{"pool", name}, {"added", added}, {"drained", drained}});
  if (left_out == 0) return;
  log.warning("numbers that found no room, or are in another use, need a restart",
              {{"pool", name}, {"numbers", left_out}});
}

}  // namespace ringtrace::gateway
