#pragma once

#include <atomic>
#include <cstdint>

#include "gateway/memory_call_log.h"
#include "redis/call_log.h"
#include "sip/call_sink.h"

namespace ringtrace::gateway {

/// Hands the proxy's events to the store's log, which keeps what it accepted until Redis has it. What it
/// refuses (its queue is full) is counted there. SIP thread.
class StoreCallSink final : public sip::CallSink {
 public:
  explicit StoreCallSink(redis::RedisCallLog& log) : log_(log) {}

  void record(v1::CallEvent event) override;
  void close_unknown(sip::CallClosing closing) override;

  /// Closings the store's log refused.
  std::uint64_t closings_dropped() const { return closings_dropped_.load(std::memory_order_relaxed); }

 private:
  redis::RedisCallLog& log_;
  std::atomic<std::uint64_t> closings_dropped_{0};
};

/// Hands the proxy's events to the log in memory. A call that began before this process is unknown there, and
/// its closing is left out: the proxy counts it.
class MemoryCallSink final : public sip::CallSink {
 public:
  explicit MemoryCallSink(MemoryCallLog& log) : log_(log) {}

  void record(v1::CallEvent event) override { log_.append(std::move(event)); }
  void close_unknown(sip::CallClosing) override {}

 private:
  MemoryCallLog& log_;
};

}  // namespace ringtrace::gateway
