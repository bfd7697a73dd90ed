#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/pool/schedule.h"

namespace ringtrace::pool::testing {

/// Guides runs through every schedule with at most `most` preemptions, for what has too many without a bound:
/// every thread is tried at each end of another, and every switch before an access. Switches before an access
/// to what only one thread touches, or nobody changes, are left out: they are the same as one before the next
/// access that meets another thread's. (What meets is learnt from the runs, and all is run again until
/// nothing new was learnt.)
class BoundedGuide : public Schedule::Guide {
 public:
  BoundedGuide(std::size_t threads, unsigned most) : threads_(threads), most_(most) {}

  bool next_run() {
    if (!points_.empty()) note_run();
    if (open_.empty() && !std::exchange(learnt_, false)) return false;
    if (open_.empty()) open_.emplace_back();
    run_ = std::move(open_.back());
    open_.pop_back();
    points_.clear();
    return true;
  }

  bool repeats() const { return false; }
  bool strays() const { return strays_; }

  std::size_t choose(std::size_t running, const std::vector<bool>& done) override {
    Point point{running, 0, 0, nullptr};
    for (std::size_t i = threads_; i-- > 0;) {
      if (done[i]) continue;
      point.ready |= 1U << i;
      point.chosen = i;
    }
    if (running != Schedule::kNobody) point.chosen = running;
    for (const Switch& planned : run_.plan) {
      if (planned.point != points_.size()) continue;
      strays_ = strays_ || (point.ready >> planned.thread & 1) == 0;
      point.chosen = planned.thread;
    }
    points_.push_back(point);
    return point.chosen;
  }

  void accessed(const void* place, bool changes) override {
    Point& point = points_.back();
    point.place = place;
    Touched& touched = touched_[place];
    const bool met = touched.meets();
    touched.by |= 1U << point.chosen;
    touched.changed = touched.changed || changes;
    learnt_ = learnt_ || (touched.meets() && !met);
  }

 private:
  struct Switch {
    std::size_t point;
    std::size_t thread;
  };
  struct Run {
    std::vector<Switch> plan;  // else who runs goes on to its end, and then the first
    unsigned preemptions = 0;
  };
  struct Point {
    std::size_t running;
    std::size_t chosen;
    std::uint32_t ready;  // a bit each
    const void* place;
  };
  struct Touched {
    std::uint32_t by = 0;
    bool changed = false;
    bool meets() const { return changed && (by & (by - 1)) != 0; }
  };

  void note_run() {
    for (std::size_t at = run_.plan.empty() ? 0 : run_.plan.back().point + 1; at < points_.size(); ++at) {
      const Point& point = points_[at];
      const bool preempts = point.running != Schedule::kNobody;
      if (preempts && (run_.preemptions == most_ || !touched_[point.place].meets())) continue;
      for (std::size_t thread = 0; thread < threads_; ++thread) {
        if (thread == point.chosen || (point.ready >> thread & 1) == 0) continue;
        open_.push_back(run_);
        open_.back().plan.push_back({at, thread});
        open_.back().preemptions += preempts ? 1 : 0;
      }
    }
  }

  const std::size_t threads_;
  const unsigned most_;
  Run run_;
  std::vector<Run> open_;
  std::vector<Point> points_;  // of the latest run
  std::unordered_map<const void*, Touched> touched_;
  bool learnt_ = true;
  bool strays_ = false;
};

}  // namespace ringtrace::pool::testing
