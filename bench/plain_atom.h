#pragma once

#include <atomic>

namespace ringtrace::bench {

/// std::atomic's members without atomicity or ordering: code that is written for an `Atom` parameter becomes,
/// with this one, what it would be if only one thread at a time ever came inside. For use under a lock.
template <typename T>
class Plain {
 public:
  constexpr Plain() = default;
  constexpr Plain(T value) : value_(value) {}  // NOLINT(google-explicit-constructor): as std::atomic's
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  T load(std::memory_order = std::memory_order_seq_cst) const { return value_; }
  void store(T value, std::memory_order = std::memory_order_seq_cst) { value_ = value; }

  T exchange(T value, std::memory_order = std::memory_order_seq_cst) {
    const T before = value_;
    value_ = value;
    return before;
  }

  bool compare_exchange_strong(T& expected, T desired, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) {
    if (value_ == expected) {
      value_ = desired;
      return true;
    }
    expected = value_;
    return false;
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order = std::memory_order_seq_cst,
                             std::memory_order = std::memory_order_seq_cst) {
    return compare_exchange_strong(expected, desired);
  }

  T fetch_add(T amount, std::memory_order = std::memory_order_seq_cst) {
    return exchange(static_cast<T>(value_ + amount));
  }
  T fetch_sub(T amount, std::memory_order = std::memory_order_seq_cst) {
    return exchange(static_cast<T>(value_ - amount));
  }
  T fetch_and(T bits, std::memory_order = std::memory_order_seq_cst) {
    return exchange(static_cast<T>(value_ & bits));
  }
  T fetch_or(T bits, std::memory_order = std::memory_order_seq_cst) {
    return exchange(static_cast<T>(value_ | bits));
  }

 private:
  T value_{};
};

}  // namespace ringtrace::bench
