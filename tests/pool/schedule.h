#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace ringtrace::pool::testing {

/// Runs threads one at a time and decides at each access to a DeterministicAtomic, from a seed, who goes on:
/// the same seed is the same run. It sees sequentially consistent runs only.
///
/// One thread may be stopped at its k-th access until all others are done. When the others are not done
/// within a number of steps, they waited for it: `stuck` is true, and it goes on so that the run ends.
class Schedule {
 public:
  struct Stop {
    std::size_t thread = 0;
    std::uint64_t at_step = 0;
    std::uint64_t steps_for_others = 100'000;
  };

  explicit Schedule(std::uint64_t seed) : random_(seed) {}
  Schedule(std::uint64_t seed, const Stop& stop) : random_(seed), stop_(stop), stops_(true) {}

  /// Runs the bodies to their ends.
  void run(const std::vector<std::function<void()>>& bodies) {
    threads_.assign(bodies.size(), {});
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      threads.emplace_back([this, i, &bodies] {
        here() = {this, i};
        wait_for_turn(i);
        bodies[i]();
        here() = {};
        leave(i);
      });
    }
    {
      const std::lock_guard lock(mutex_);
      choose();
    }
    for (std::thread& thread : threads) thread.join();
  }

  /// Called before every access; does nothing on a thread that no schedule runs.
  static void step() {
    if (here().schedule != nullptr) here().schedule->yield(here().thread);
  }

  bool stuck() const { return stuck_; }
  /// The stopped thread got as far as its stop.
  bool stopped() const { return stopped_; }
  std::uint64_t steps() const { return steps_; }

 private:
  struct Thread {
    bool done = false;
    std::uint64_t steps = 0;
  };
  struct Here {
    Schedule* schedule = nullptr;
    std::size_t thread = 0;
  };
  static constexpr std::size_t kNobody = ~std::size_t{0};

  static Here& here() {
    static thread_local Here here;
    return here;
  }

  void wait_for_turn(std::size_t self) {
    std::unique_lock lock(mutex_);
    turn_.wait(lock, [&] { return running_ == self; });
  }

  void yield(std::size_t self) {
    std::unique_lock lock(mutex_);
    ++steps_;
    ++threads_[self].steps;
    if (frozen_ != kNobody && ++steps_while_frozen_ > stop_.steps_for_others) {
      stuck_ = true;
      frozen_ = kNobody;
    }
    if (stops_ && !stopped_ && self == stop_.thread && threads_[self].steps == stop_.at_step) {
      stopped_ = true;
      frozen_ = self;
    }
    choose();
    turn_.wait(lock, [&] { return running_ == self; });
  }

  void leave(std::size_t self) {
    const std::lock_guard lock(mutex_);
    threads_[self].done = true;
    choose();
  }

  void choose() {
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      if (!threads_[i].done && i != frozen_) ready.push_back(i);
    }
    if (ready.empty() && frozen_ != kNobody) {
      ready.push_back(frozen_);
      frozen_ = kNobody;
    }
    if (!ready.empty()) running_ = ready[random_() % ready.size()];
    turn_.notify_all();
  }

  std::mt19937_64 random_;
  const Stop stop_{};
  const bool stops_ = false;
  std::mutex mutex_;
  std::condition_variable turn_;
  std::vector<Thread> threads_;
  std::size_t running_ = kNobody;
  std::size_t frozen_ = kNobody;
  std::uint64_t steps_ = 0;
  std::uint64_t steps_while_frozen_ = 0;
  bool stopped_ = false;
  bool stuck_ = false;
};

/// std::atomic as far as the lock-free structures use it, each access a step of the schedule.
template <typename T>
class DeterministicAtomic {
 public:
  DeterministicAtomic() = default;

  T load(std::memory_order = std::memory_order_seq_cst) const {
    Schedule::step();
    return value_.load();
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    value_.store(value);
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    return value_.exchange(value);
  }
  T fetch_add(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    return value_.fetch_add(value);
  }
  T fetch_sub(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    return value_.fetch_sub(value);
  }
  T fetch_or(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    return value_.fetch_or(value);
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                             std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    return value_.compare_exchange_strong(expected, value);
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    return value_.compare_exchange_strong(expected, value);
  }

 private:
  std::atomic<T> value_{};
};

}  // namespace ringtrace::pool::testing
