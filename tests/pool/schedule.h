#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "tests/pool/fiber.h"

namespace ringtrace::pool::testing {

/// Runs bodies one at a time, each as a thread of its own to the code under test, and decides at each access
/// to a DeterministicAtomic who goes on: by chance, where the same seed is the same run, or as a guide says.
/// It sees sequentially consistent runs only.
///
/// One thread may be stopped at its k-th access until all others are done. When the others are not done
/// within a number of steps, they waited for it: `stuck` is true, and it goes on so that the run ends.
///
/// A run that does not end within `most_steps` is given up: `ended` is false.
class Schedule {
 public:
  static constexpr std::size_t kNobody = ~std::size_t{0};

  struct Stop {
    std::size_t thread = 0;
    std::uint64_t at_step = 0;
    std::uint64_t steps_for_others = 100'000;
  };

  /// Decides who goes on, and is told what was done.
  class Guide {
   public:
    /// Who makes the next access: a thread that is not done; or kNobody, and the run is given up. Every
    /// thread stands before an access or is done; `running`, if there is one, made the last.
    virtual std::size_t choose(std::size_t running, const std::vector<bool>& done) = 0;
    /// Who was chosen made this access, and it changed the value or did not.
    virtual void accessed(const void* place, bool changes) = 0;

   protected:
    ~Guide() = default;
  };

  /// A schedule from a seed. Some seeds may switch at every access, others let a thread run for a while.
  explicit Schedule(std::uint64_t seed) : random_(seed), patience_(patience_of(seed)) {}
  Schedule(std::uint64_t seed, const Stop& stop) : random_(seed), stop_(stop), stops_(true) {}

  explicit Schedule(Guide& guide, std::uint64_t most_steps = kMostSteps)
      : guide_(&guide), most_steps_(most_steps) {}

  /// Runs the bodies to their ends.
  void run(const std::vector<std::function<void()>>& bodies) {
    bodies_ = &bodies;
    done_.assign(bodies.size(), false);
    own_steps_.assign(bodies.size(), 0);
    while (fibers().size() < bodies.size()) fibers().push_back(std::make_unique<Fiber>(enter));
    for (std::size_t i = 0; i < bodies.size(); ++i) fibers()[i]->restart(enter);
    Fiber main;
    main_ = last_ = &main;
    current() = this;
    running_ = kNobody;
    starting_ = guide_ != nullptr;
    running_ = next();
    if (running_ != kNobody) main.switch_to(*fibers()[running_]);
    current() = nullptr;
  }

  /// Called before every access; does nothing outside of a run.
  static void step() {
    if (current() != nullptr) current()->yield();
  }
  /// Called after every access.
  static void accessed(const void* place, bool changes) {
    if (current() != nullptr && current()->guide_ != nullptr) current()->guide_->accessed(place, changes);
  }

  bool stuck() const { return stuck_; }
  bool ended() const { return ended_; }
  /// The stopped thread got as far as its stop.
  bool stopped() const { return stopped_; }
  std::uint64_t steps() const { return steps_; }

 private:
  static constexpr std::uint64_t kMostSteps = 400'000;

  static std::uint64_t patience_of(std::uint64_t seed) { return std::uint64_t{1} << (seed % 4 * 2); }

  static Schedule*& current() {
    static thread_local Schedule* current = nullptr;
    return current;
  }
  /// Kept from run to run: their stacks are what is expensive.
  static std::vector<std::unique_ptr<Fiber>>& fibers() {
    static thread_local std::vector<std::unique_ptr<Fiber>> fibers;
    return fibers;
  }

  static void enter() {
    Schedule& self = *current();
    const std::size_t own = self.running_;
    fibers()[own]->entered(*self.last_);
    (*self.bodies_)[own]();
    self.done_[own] = true;
    self.running_ = self.next();
    self.last_ = fibers()[own].get();
    fibers()[own]->switch_for_good(self.running_ == kNobody ? *self.main_ : *fibers()[self.running_]);
  }

  void yield() {
    const std::size_t own = running_;
    ++steps_;
    ++own_steps_[own];
    if (frozen_ != kNobody && ++steps_while_frozen_ > stop_.steps_for_others) {
      stuck_ = true;
      frozen_ = kNobody;
    }
    if (stops_ && !stopped_ && own == stop_.thread && own_steps_[own] == stop_.at_step) {
      stopped_ = true;
      frozen_ = own;
    }
    if (steps_ > most_steps_) {
      ended_ = false;
      running_ = kNobody;
    } else {
      running_ = next();
    }
    if (running_ == own) return;
    last_ = fibers()[own].get();
    last_->switch_to(running_ == kNobody ? *main_ : *fibers()[running_]);
  }

  bool ready(std::size_t thread) const { return !done_[thread] && thread != frozen_; }

  std::size_t next() {
    if (guide_ != nullptr) return next_guided();
    if (running_ != kNobody && ready(running_) && random_() % patience_ != 0) return running_;
    std::size_t count = 0;
    for (std::size_t i = 0; i < done_.size(); ++i) count += ready(i) ? 1U : 0U;
    if (count == 0) return std::exchange(frozen_, kNobody);
    std::size_t skip = random_() % count;
    for (std::size_t i = 0;; ++i) {
      if (ready(i) && skip-- == 0) return i;
    }
  }

  /// First each thread goes as far as its first access.
  std::size_t next_guided() {
    if (starting_) {
      const std::size_t next = running_ == kNobody ? 0 : running_ + 1;
      if (next < done_.size()) return next;
      starting_ = false;
      running_ = kNobody;
    }
    const bool all_done = std::find(done_.begin(), done_.end(), false) == done_.end();
    if (all_done) return kNobody;
    const std::size_t next =
        guide_->choose(running_ != kNobody && done_[running_] ? kNobody : running_, done_);
    if (next == kNobody) ended_ = false;
    return next;
  }

  std::mt19937_64 random_;
  std::uint64_t patience_ = 1;
  const Stop stop_{};
  const bool stops_ = false;
  Guide* const guide_ = nullptr;
  const std::uint64_t most_steps_ = kMostSteps;
  bool starting_ = false;
  const std::vector<std::function<void()>>* bodies_ = nullptr;
  Fiber* main_ = nullptr;
  Fiber* last_ = nullptr;  // who switched last
  std::vector<bool> done_;
  std::vector<std::uint64_t> own_steps_;
  std::size_t running_ = kNobody;
  std::size_t frozen_ = kNobody;
  std::uint64_t steps_ = 0;
  std::uint64_t steps_while_frozen_ = 0;
  bool stopped_ = false;
  bool stuck_ = false;
  bool ended_ = true;
};

}  // namespace ringtrace::pool::testing
