#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/log.h"
#include "gateway/number_changes.h"
#include "pool/number_pools.h"
#include "redis/number_book.h"

namespace ringtrace::gateway {

/// Takes over what a fresh configuration says of pools' numbers, but of those that AddNumbers and
/// DrainNumbers had the last word on: the store's book is read first, and while it cannot be, the changes
/// wait. What waits is one word a number. Loop thread only; outlives the book's connection, and `pools`
/// outlives it.
class NumberTakeover {
 public:
  NumberTakeover(redis::RedisNumberBook& book, pool::NumberPools& pools, Log& log)
      : book_(book), pools_(pools), log_(log) {}

  /// Begins at the next `tick` that finds the store there.
  void want(const std::vector<NumberChanges>& changes);

  /// A few times a second.
  void tick(bool serving);

 private:
  void loaded(const std::string& problem);

  redis::RedisNumberBook& book_;
  pool::NumberPools& pools_;
  Log& log_;
  std::vector<NumberChanges> waiting_;       // at most one of a pool
  std::unique_ptr<NumberChanges> changing_;  // its pool's book is being read
  std::vector<pool::Number> kept_;           // of that book, as far as it was read
};

}  // namespace ringtrace::gateway
