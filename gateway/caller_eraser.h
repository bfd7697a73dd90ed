#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/erased_callers.h"
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
  using Retention = MemoryCallLog::Retention;

  /// `retention` counts from the start of a call.
  GatewayCallerEraser(pool::Leasing& leasing, redis::CallerKey key, Retention retention, Log& log)
      : leasing_(leasing), key_(std::move(key)), retention_(retention), log_(log) {}

  void erase(std::string_view caller, bool rewrites, Done done) override;
  void redact(v1::CallEvent& event) const override;

  ErasureStats stats() const { return {callers_, calls_}; }

 private:
  /// Where calls are kept.
  virtual void erase_calls(const std::string& caller, pool::Time now, bool rewrites, Done done) = 0;

  pool::Leasing& leasing_;
  const redis::CallerKey key_;
  const Retention retention_;
  Log& log_;
  ErasedCallers erased_;
  std::atomic<std::uint64_t> callers_{0}, calls_{0};
};

/// From the store, and from the spool of what the store does not have.
class StoreCallerEraser final : public GatewayCallerEraser {
 public:
  StoreCallerEraser(pool::Leasing& leasing, const redis::CallerKey& key, Retention retention,
                    redis::Connection& connection, EventSpool& spool, Log& log)
      : GatewayCallerEraser(leasing, key, retention, log), store_(connection, key), spool_(spool) {}

 private:
  void erase_calls(const std::string& caller, pool::Time now, bool rewrites, Done done) override;

  redis::RedisCallerErasure store_;
  EventSpool& spool_;
};

/// From the log in memory.
class MemoryCallerEraser final : public GatewayCallerEraser {
 public:
  MemoryCallerEraser(pool::Leasing& leasing, redis::CallerKey key, Retention retention, MemoryCallLog& calls,
                     Log& log)
      : GatewayCallerEraser(leasing, std::move(key), retention, log), calls_in_memory_(calls) {}

 private:
  void erase_calls(const std::string& caller, pool::Time now, bool rewrites, Done done) override;

  MemoryCallLog& calls_in_memory_;
};

}  // namespace ringtrace::gateway
