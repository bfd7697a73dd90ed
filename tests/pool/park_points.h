#pragma once

#include <cstdint>

#include "tests/pool/deterministic_atomic.h"

namespace ringtrace::pool::testing {

/// How often a thread was stopped, and how often the others then could not finish.
struct ParkPoints {
  int stops = 0;
  int stuck = 0;
};

/// Calls `round(schedule)` with a schedule that stops thread 0 at its first access, then at its second, and
/// so on until it has no more.
template <typename Round>
ParkPoints stop_at_each_access(Round round) {
  ParkPoints points;
  for (std::uint64_t at_step = 1;; ++at_step) {
    Schedule schedule(at_step, {0, at_step, 20'000});
    round(schedule);
    if (!schedule.stopped()) return points;
    ++points.stops;
    if (schedule.stuck()) ++points.stuck;
  }
}

}  // namespace ringtrace::pool::testing
