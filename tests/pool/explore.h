#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/pool/proofs.h"
#include "tests/pool/schedule.h"

namespace ringtrace::pool::testing {

/// Runs the bodies in all the schedules that the guide has, until one is wrong. `judge()` says what is wrong
/// after a run, nothing when all is well; `again()` has everything as it was before the run.
template <typename Guide, typename Judge, typename Again>
Found explore(Guide& guide, const std::vector<std::function<void()>>& bodies, Judge judge, Again again) {
  constexpr std::uint64_t kMostSteps = 10'000;  // of one run; several times what the longest takes
  Found found;
  while (found.wrong.empty() && guide.next_run()) {
    Schedule schedule(guide, kMostSteps);
    schedule.run(bodies);
    found.steps += schedule.steps();
    if (guide.strays()) {
      found.wrong = "the same schedule came out differently";
    } else if (!guide.repeats()) {
      ++found.schedules;
      found.wrong = schedule.ended() ? judge() : "a schedule that does not end";
    }
    again();
  }
  return found;
}

}  // namespace ringtrace::pool::testing
