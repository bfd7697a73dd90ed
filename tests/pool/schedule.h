#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "tests/pool/fiber.h"

namespace ringtrace::pool::testing {

/// Runs bodies one at a time, each as a thread of its own to the code under test, and decides at each access
/// to a DeterministicAtomic who goes on: the same seed, or the same plan, is the same run. It sees
/// sequentially consistent runs only.
///
/// One thread may be stopped at its k-th access until all others are done. When the others are not done
/// within a number of steps, they waited for it: `stuck` is true, and it goes on so that the run ends.
///
/// A run that does not end within kMostSteps is given up: `ended` is false.
class Schedule {
 public:
  struct Stop {
    std::size_t thread = 0;
    std::uint64_t at_step = 0;
    std::uint64_t steps_for_others = 100'000;
  };

  /// A moment where the schedule may switch: thread `thread` is about to make an access, or has ended.
  struct Point {
    const void* address = nullptr;
    std::uint32_t thread = 0;
    bool writes = false;
    bool end = false;
  };

  /// At that point the thread goes on.
  struct Switch {
    std::size_t point = 0;
    std::size_t thread = 0;
  };

  /// A schedule from a seed. Some seeds may switch at every access, others let a thread run for a while.
  explicit Schedule(std::uint64_t seed) : random_(seed), patience_(patience_of(seed)) {}
  Schedule(std::uint64_t seed, const Stop& stop) : random_(seed), stop_(stop), stops_(true) {}

  /// A schedule that switches where the plan says so; else who runs runs on to its end, and then the first.
  explicit Schedule(std::vector<Switch> plan) : plan_(std::move(plan)), planned_(true) {}

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
    points_.push_back({nullptr, 0, false, true});
    running_ = next();
    if (running_ != kNobody) main.switch_to(*fibers()[running_]);
    current() = nullptr;
  }

  /// Called before every access; does nothing outside of a run.
  static void step(const void* address = nullptr, bool writes = true) {
    if (current() != nullptr) current()->yield(address, writes);
  }

  bool stuck() const { return stuck_; }
  bool ended() const { return ended_; }
  /// The stopped thread got as far as its stop.
  bool stopped() const { return stopped_; }
  std::uint64_t steps() const { return steps_; }
  /// Of a planned run: what was met.
  const std::vector<Point>& points() const { return points_; }

 private:
  static constexpr std::size_t kNobody = ~std::size_t{0};
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
    if (self.planned_) self.points_.push_back({nullptr, static_cast<std::uint32_t>(own), false, true});
    self.running_ = self.next();
    self.last_ = fibers()[own].get();
    fibers()[own]->switch_for_good(self.running_ == kNobody ? *self.main_ : *fibers()[self.running_]);
  }

  void yield(const void* address, bool writes) {
    const std::size_t own = running_;
    ++steps_;
    ++own_steps_[own];
    if (planned_) points_.push_back({address, static_cast<std::uint32_t>(own), writes, false});
    if (frozen_ != kNobody && ++steps_while_frozen_ > stop_.steps_for_others) {
      stuck_ = true;
      frozen_ = kNobody;
    }
    if (stops_ && !stopped_ && own == stop_.thread && own_steps_[own] == stop_.at_step) {
      stopped_ = true;
      frozen_ = own;
    }
    if (steps_ > kMostSteps) {
      ended_ = false;
      last_ = fibers()[own].get();
      fibers()[own]->switch_to(*main_);
    }
    running_ = next();
    if (running_ == own) return;
    last_ = fibers()[own].get();
    last_->switch_to(*fibers()[running_]);
  }

  bool ready(std::size_t thread) const { return !done_[thread] && thread != frozen_; }

  std::size_t next() {
    const bool may_stay = running_ != kNobody && ready(running_);
    if (planned_) {
      const std::size_t point = points_.size() - 1;
      if (in_plan_ < plan_.size() && plan_[in_plan_].point == point) return plan_[in_plan_++].thread;
    }
    if (may_stay && (planned_ || random_() % patience_ != 0)) return running_;
    std::size_t count = 0;
    for (std::size_t i = 0; i < done_.size(); ++i) count += ready(i) ? 1U : 0U;
    if (count == 0) return std::exchange(frozen_, kNobody);
    std::size_t skip = planned_ ? 0 : random_() % count;
    for (std::size_t i = 0;; ++i) {
      if (ready(i) && skip-- == 0) return i;
    }
  }

  std::mt19937_64 random_;
  std::uint64_t patience_ = 1;
  const Stop stop_{};
  const bool stops_ = false;
  const std::vector<Switch> plan_;
  std::size_t in_plan_ = 0;
  const bool planned_ = false;
  const std::vector<std::function<void()>>* bodies_ = nullptr;
  Fiber* main_ = nullptr;
  Fiber* last_ = nullptr;  // who switched last
  std::vector<bool> done_;
  std::vector<std::uint64_t> own_steps_;
  std::vector<Point> points_;
  std::size_t running_ = kNobody;
  std::size_t frozen_ = kNobody;
  std::uint64_t steps_ = 0;
  std::uint64_t steps_while_frozen_ = 0;
  bool stopped_ = false;
  bool stuck_ = false;
  bool ended_ = true;
};

/// Memory for the arrays of DeterministicAtomic that are made while one is alive: after `reset` the same
/// arrays get the same addresses, so that accesses of two runs can be compared. One at a time on a thread.
class StableMemory {
 public:
  explicit StableMemory(std::size_t bytes)
      : bytes_(bytes), memory_(static_cast<std::byte*>(::operator new (bytes, std::align_val_t{128}))) {
    current() = this;
  }
  ~StableMemory() {
    current() = nullptr;
    ::operator delete (memory_, std::align_val_t{128});
  }
  StableMemory(const StableMemory&) = delete;
  StableMemory& operator=(const StableMemory&) = delete;

  /// To be called when all that was made is gone.
  void reset() { used_ = 0; }

  static void* allocate(std::size_t bytes) {
    StableMemory* const self = current();
    if (self == nullptr || self->used_ + bytes > self->bytes_) return ::operator new(bytes);
    void* const place = self->memory_ + self->used_;
    self->used_ += (bytes + 127) / 128 * 128;
    return place;
  }
  static void free(void* place) {
    StableMemory* const self = current();
    auto* const at = static_cast<std::byte*>(place);
    if (self != nullptr && at >= self->memory_ && at < self->memory_ + self->bytes_) return;
    ::operator delete(place);
  }

 private:
  static StableMemory*& current() {
    static thread_local StableMemory* current = nullptr;
    return current;
  }

  const std::size_t bytes_;
  std::byte* const memory_;
  std::size_t used_ = 0;
};

/// std::atomic as far as the lock-free structures use it, each access a step of the schedule.
template <typename T>
class DeterministicAtomic {
 public:
  DeterministicAtomic() = default;

  static void* operator new[](std::size_t bytes) { return StableMemory::allocate(bytes); }
  static void operator delete[](void* place) { StableMemory::free(place); }

  T load(std::memory_order = std::memory_order_seq_cst) const {
    Schedule::step(this, false);
    return value_;
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step(this);
    value_ = value;
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step(this);
    return std::exchange(value_, value);
  }
  T fetch_add(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step(this);
    return std::exchange(value_, static_cast<T>(value_ + value));
  }
  T fetch_sub(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step(this);
    return std::exchange(value_, static_cast<T>(value_ - value));
  }
  T fetch_or(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step(this);
    return std::exchange(value_, static_cast<T>(value_ | value));
  }
  T fetch_and(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step(this);
    return std::exchange(value_, static_cast<T>(value_ & value));
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                             std::memory_order = std::memory_order_seq_cst) {
    return compare_exchange_strong(expected, value);
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) {
    Schedule::step(this);
    if (value_ == expected) {
      value_ = value;
      return true;
    }
    expected = value_;
    return false;
  }

 private:
  T value_{};
};

}  // namespace ringtrace::pool::testing
