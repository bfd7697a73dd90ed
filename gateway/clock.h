#pragma once

#include <chrono>

#include "pool/leasing.h"
#include "pool/time.h"

namespace ringtrace::gateway {

/// Civil time that never goes back: the machine's civil time at start plus what its steady clock has counted
/// since. A step of the machine's clock moves nothing until the next start; `offset` shows it.
///
/// May be called from any thread.
class SteadyClock final : public pool::Clock {
 public:
  SteadyClock();
  SteadyClock(pool::Time civil, std::chrono::steady_clock::time_point steady);

  pool::Time now() const override;

  /// What `now` tells at that instant of the steady clock.
  pool::Time at(std::chrono::steady_clock::time_point steady) const;

  /// How far the machine's civil time is ahead of this clock.
  std::chrono::milliseconds offset() const;

 private:
  const pool::Time civil_;
  const std::chrono::steady_clock::time_point steady_;
};

}  // namespace ringtrace::gateway
