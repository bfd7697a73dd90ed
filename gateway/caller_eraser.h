#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/event_spool.h"
#include "gateway/log.h"
#include "gateway/memory_call_log.h"
#include "grpc/caller_eraser.h"
#include "pool/leasing.h"
#include "redis/caller_erasure.h"

namespace ringtrace::gateway {

/// Figures of erasures since start.
struct ErasureStats {
  std::uint64_t callers = 0;
  std::uint64_t calls = 0;  ///< that told something personal until then
};

/// Erases callers: what the pools learnt of them, then wherever their calls are kept. Says so in the log,
/// with the caller's keyed hash, never with the number. What it is given outlives it.
class GatewayCallerEraser : public rpc::CallerEraser {
 public:
  GatewayCallerEraser(pool::Leasing& leasing, redis::CallerKey key, Log& log)
      : leasing_(leasing), key_(std::move(key)), log_(log) {}

  void erase(std::string_view caller, bool rewrites, Done done) override;

  ErasureStats stats() const { return {callers_, calls_}; }

 private:
  /// Where calls are kept.
  virtual void erase_calls(const std::string& caller, pool::Time now, bool rewrites, Done done) = 0;

  pool::Leasing& leasing_;
  const redis::CallerKey key_;
  Log& log_;
  std::atomic<std::uint64_t> callers_{0}, calls_{0};
};

/// From the store, and from the spool of what the store does not have.
class StoreCallerEraser final : public GatewayCallerEraser {
 public:
  StoreCallerEraser(pool::Leasing& leasing, const redis::CallerKey& key, redis::Connection& connection,
                    EventSpool& spool, Log& log)
      : GatewayCallerEraser(leasing, key, log), store_(connection, key), spool_(spool) {}

 private:
  void erase_calls(const std::string& caller, pool::Time now, bool rewrites, Done done) override;

  redis::RedisCallerErasure store_;
  EventSpool& spool_;
};

/// From the log in memory.
class MemoryCallerEraser final : public GatewayCallerEraser {
 public:
  MemoryCallerEraser(pool::Leasing& leasing, redis::CallerKey key, MemoryCallLog& calls, Log& log)
      : GatewayCallerEraser(leasing, std::move(key), log), calls_in_memory_(calls) {}

 private:
  void erase_calls(const std::string& caller, pool::Time now, bool rewrites, Done done) override;

  MemoryCallLog& calls_in_memory_;
};

}  // namespace ringtrace::gateway
