#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "gateway/log.h"
#include "pool/number_pools.h"
#include "redis/number_book.h"

namespace ringtrace::gateway {

/// Makes the pools' numbers what was said of them last: over the configuration the store's book is laid, pool
/// by pool. It comes before the leases, which may be of added numbers. Loop thread only.
class NumberReload : public std::enable_shared_from_this<NumberReload> {
 public:
  /// `done` is called once: with an empty text when everything was read, else with why not.
  using Done = std::function<void(const std::string& problem)>;

  NumberReload(redis::RedisNumberBook& book, pool::NumberPools& pools, Log& log, Done done)
      : book_(book), pools_(pools), log_(log), done_(std::move(done)) {}

  void start() { load_next(); }

 private:
  void load_next();
  void take(const std::vector<redis::KeptNumber>& numbers);
  void loaded(const std::string& problem);

  redis::RedisNumberBook& book_;
  pool::NumberPools& pools_;
  Log& log_;
  Done done_;
  pool::PoolIndex pool_;
  std::uint64_t added_ = 0;
  std::uint64_t drained_ = 0;
};

}  // namespace ringtrace::gateway
