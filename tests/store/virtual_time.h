#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "pool/leasing.h"

namespace ringtrace::store_test {

/// One thread's time: it stands still while something is done, and goes on to what is due next.
class VirtualTime final : public pool::Clock {
 public:
  using Task = std::function<void()>;

  explicit VirtualTime(pool::Time start) : now_(start) {}

  pool::Time now() const override { return now_; }

  /// What is due at one time is done in the order it was said.
  void at(pool::Time when, Task task) { tasks_.emplace(std::max(when, now_), std::move(task)); }
  void after(pool::Duration time, Task task) { at(now_ + time, std::move(task)); }

  /// Does what is due next; false when that is nothing until `end`.
  bool step(pool::Time end) {
    if (tasks_.empty() || tasks_.begin()->first > end) return false;
    auto next = tasks_.extract(tasks_.begin());
    now_ = next.key();
    next.mapped()();
    return true;
  }

  void clear() { tasks_.clear(); }

 private:
  pool::Time now_;
  std::multimap<pool::Time, Task> tasks_;  // keeps equal ones in order
};

}  // namespace ringtrace::store_test
