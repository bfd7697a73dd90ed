#pragma once

#include <chrono>
#include <cstdint>

#include "gateway/log.h"
#include "pool/leasing.h"

namespace ringtrace::gateway {

/// Decides when the store is told what it does not know: after it came back, and after any lease that was
/// answered from memory. Passes over all leases follow one another until one finds nothing; passes that the
/// store keeps refusing (it has lent the numbers to others) are made seldom. Loop thread only.
class LeaseReplay {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  /// Records written at one tick.
  static constexpr std::size_t kMostPerTick = 4'096;

  /// Between two passes of which the first brought nothing new into the store.
  static constexpr std::chrono::seconds kPause{5};

  LeaseReplay(pool::Leasing& leasing, Log& log) : leasing_(leasing), log_(log) {}

  /// The store has come (back): what it refused before says nothing any more.
  void store_came() {
    behind_ = true;
    passed_ = false;
    next_pass_ = {};
  }

  /// True when the store knows every lease there is in memory.
  bool is_done() const;

  /// Writes some; a few times a second while the store is there.
  void tick(Instant now);

 private:
  void end_pass();

  pool::Leasing& leasing_;
  Log& log_;
  bool behind_ = false;
  bool passed_ = false;
  Instant next_pass_{};
  std::uint64_t seen_nondurable_ = 0;
  std::uint64_t pass_written_ = 0;
  std::uint64_t replayed_before_pass_ = 0;
};

}  // namespace ringtrace::gateway
