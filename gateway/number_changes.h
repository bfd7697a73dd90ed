#pragma once

#include <vector>

#include "gateway/log.h"
#include "pool/config.h"
#include "pool/number_pools.h"

namespace ringtrace::gateway {

/// What a fresh configuration changes in the numbers that one running pool lends. Sorted, no number twice.
struct NumberChanges {
  pool::PoolIndex pool;  ///< of the running pools
  std::vector<pool::Number> added;
  std::vector<pool::Number> drained;

  bool empty() const { return added.empty() && drained.empty(); }

  /// Lets what is said later, of the same pool, stand over what was said before.
  void follow_with(const NumberChanges& later);

  /// Leaves out numbers, which are sorted: others have the word on them.
  void leave_out(const std::vector<pool::Number>& numbers);
};

/// The changes of every pool that is in both; pools without any are left out. A pool's place may differ.
std::vector<NumberChanges> number_changes(const pool::PoolsConfig& running, const pool::PoolsConfig& fresh);

/// Adds and drains, and says in the log what became of it. A number that is in another use until a restart,
/// or finds no room, is left out and counted. Any thread.
void apply(const NumberChanges& changes, pool::NumberPools& pools, Log& log);

}  // namespace ringtrace::gateway
