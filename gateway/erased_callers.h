#pragma once

#include <ringtrace/v1/call.pb.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string_view>

#include "pool/siphash.h"
#include "pool/time.h"

namespace ringtrace::gateway {

/// Callers who were erased, for the events of their calls that began before: calls that are up, and what is
/// in memory. Kept as keyed hashes, of a key of the process' own; the latest kMost. Every member may be
/// called from any thread.
class ErasedCallers {
 public:
  static constexpr std::size_t kMost = 10'000;

  ErasedCallers();

  /// Notes that the caller was erased at `at`.
  void note(std::string_view caller, pool::Time at);

  /// Somebody was erased; without that redact() has nothing to do.
  bool any() const { return any_.load(std::memory_order_acquire); }

  /// Takes what is personal out of an event of a call that began before its caller, or who forwarded it, was
  /// erased; true when it did. Costs next to nothing while nobody was erased.
  bool redact(v1::CallEvent& event) const;

 private:
  struct Erased {
    std::uint64_t caller = 0;
    pool::Time at = pool::kNever;
  };

  const pool::SipKey key_;
  std::atomic<bool> any_{false};
  mutable std::mutex mutex_;
  std::deque<Erased> erased_;  // by mutex_; the latest last
};

}  // namespace ringtrace::gateway
