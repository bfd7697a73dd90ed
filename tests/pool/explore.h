#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/pool/proofs.h"

namespace ringtrace::pool::testing {

/// Runs every schedule of `threads` threads with at most `most` preemptions: the first thread at each end of
/// another, and every switch at an access, are tried. Switches before an access to what only one thread
/// touches, or nobody changes, are left out: they are the same as one before the next access that meets
/// another thread's. (What meets is learnt from the runs, and all is run again until nothing new was learnt.)
///
/// `round(schedule)` makes its pool, runs the schedule and says what is wrong.
template <typename Round>
Found explore(std::size_t threads, unsigned most, Round round) {
  struct Node {
    std::vector<Schedule::Switch> plan;
    unsigned preemptions = 0;
  };
  struct Touched {
    std::uint32_t by = 0;
    bool changed = false;
    bool meets() const { return changed && (by & (by - 1)) != 0; }
  };
  StableMemory memory(1 << 20);
  std::unordered_map<const void*, Touched> touched;
  Found found;
  for (bool learnt = true; learnt && found.wrong.empty();) {
    learnt = false;
    found.schedules = found.steps = 0;
    std::vector<Node> open(1);
    while (!open.empty() && found.wrong.empty()) {
      const Node node = std::move(open.back());
      open.pop_back();
      memory.reset();
      Schedule schedule(node.plan);
      found.wrong = round(schedule);
      ++found.schedules;
      found.steps += schedule.steps();
      const auto& points = schedule.points();
      for (const Schedule::Point& point : points) {
        if (point.end) continue;
        Touched& place = touched[point.address];
        const bool before = place.meets();
        place.by |= std::uint32_t{1} << point.thread;
        place.changed = place.changed || point.writes;
        learnt = learnt || (place.meets() && !before);
      }
      std::vector<bool> done(threads);
      const std::size_t first = node.plan.empty() ? 0 : node.plan.back().point + 1;
      for (std::size_t at = 0; at < points.size(); ++at) {
        const Schedule::Point& point = points[at];
        if (point.end && at > 0) done[point.thread] = true;
        if (at < first) continue;
        if (!point.end && (node.preemptions == most || !touched[point.address].meets())) continue;
        bool first_ready = point.end;  // runs without being told to
        for (std::size_t thread = 0; thread < threads; ++thread) {
          if (done[thread] || (!point.end && thread == point.thread)) continue;
          if (std::exchange(first_ready, false)) continue;
          Node next = node;
          next.plan.push_back({at, thread});
          next.preemptions += point.end ? 0 : 1;
          open.push_back(std::move(next));
        }
      }
    }
  }
  return found;
}

}  // namespace ringtrace::pool::testing
