#include "gateway/lease_replay.h"

#include <utility>

namespace ringtrace::gateway {

void LeaseReplay::tick(Instant now) {
  const pool::LeasingTotals totals = leasing_.totals();
  if (totals.nondurable != seen_nondurable_) {
    seen_nondurable_ = totals.nondurable;
    behind_ = true;
  }
  if (!behind_ || now < next_pass_) return;
  if (std::exchange(passed_, false)) {
    // A tick later the store has answered what the pass sent.
    const bool stuck = totals.replayed == replayed_before_pass_;
    replayed_before_pass_ = totals.replayed;
    if (stuck) {
      next_pass_ = now + kPause;
      return;
    }
  }
  for (std::size_t written = 0; written < kMostPerTick;) {
    const std::size_t more = leasing_.replay(kMostPerTick - written);
    if (more == 0) return end_pass();
    written += more;
    pass_written_ += more;
  }
}

bool LeaseReplay::is_done() const {
  if (behind_) return false;
  const pool::NumberPools& pools = leasing_.pools();
  for (std::uint32_t i = 0; i < pools.pool_count(); ++i) {
    if (pools.counts({i}, leasing_.clock().now()).nondurable > 0) return false;
  }
  return true;
}

void LeaseReplay::end_pass() {
  if (pass_written_ == 0) {
    behind_ = false;
    return;
  }
  log_.info("leases sent that the store did not know", {{"count", pass_written_}});
  passed_ = true;
  pass_written_ = 0;
}

}  // namespace ringtrace::gateway
