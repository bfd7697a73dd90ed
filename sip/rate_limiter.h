#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "sip/timer_queue.h"

namespace ringtrace::sip {

/// Lets at most so many events a second through for each of many keys: the generic cell rate algorithm (ITU-T
/// I.371), one time stamp a key.
///
/// A key that has been quiet is forgotten. At most kMaximumKeys are remembered; beyond it, while all of them
/// are busy, further keys are let through: a limit must not become a way to lock callers out. One thread.
class RateLimiter {
 public:
  static constexpr std::size_t kMaximumKeys = 65'536;

  /// `per_second` 0: no limit. A key that was quiet may have `burst` events at once, at least 1.
  RateLimiter(std::uint32_t per_second, std::uint32_t burst);

  /// Counts the event when it is let through.
  bool admit(std::uint64_t key, SteadyTime now);
  std::size_t size() const { return next_.size(); }

 private:
  void forget_quiet(SteadyTime now);

  std::chrono::nanoseconds spacing_{0};
  std::chrono::nanoseconds tolerance_{0};
  /// When the next event of a key would be on time; in the past for a quiet one.
  std::unordered_map<std::uint64_t, SteadyTime> next_;
  SteadyTime next_sweep_{};
};

}  // namespace ringtrace::sip
