#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "tests/pool/schedule.h"

namespace ringtrace::pool::testing {

/// While one is alive, it notes what changes of DeterministicAtomics overwrite, and can put all of it back: a
/// structure of nothing but atoms is as new for the next run, in the same place, without being made again.
/// One at a time on a thread.
class Rewind {
 public:
  Rewind() { current() = this; }
  ~Rewind() { current() = nullptr; }
  Rewind(const Rewind&) = delete;
  Rewind& operator=(const Rewind&) = delete;

  void rewind() {
    for (; !overwritten_.empty(); overwritten_.pop_back()) {
      const Overwritten& last = overwritten_.back();
      std::memcpy(last.place, &last.bytes, last.size);
    }
  }

  template <typename T>
  static void note(T& value) {
    static_assert(sizeof(T) <= sizeof(std::uint64_t));
    if (current() == nullptr) return;
    Overwritten one{&value, 0, sizeof(T)};
    std::memcpy(&one.bytes, &value, sizeof(T));
    current()->overwritten_.push_back(one);
  }

 private:
  struct Overwritten {
    void* place;
    std::uint64_t bytes;
    std::size_t size;
  };

  static Rewind*& current() {
    static thread_local Rewind* current = nullptr;
    return current;
  }

  std::vector<Overwritten> overwritten_;
};

/// std::atomic as far as the lock-free structures use it, each access a step of the schedule.
template <typename T>
class DeterministicAtomic {
 public:
  DeterministicAtomic() = default;

  T load(std::memory_order = std::memory_order_seq_cst) const {
    Schedule::step();
    Schedule::accessed(this, false);
    return value_;
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) { exchange(value); }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    return set(value);
  }
  T fetch_add(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    return set(static_cast<T>(value_ + value));
  }
  T fetch_sub(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    return set(static_cast<T>(value_ - value));
  }
  T fetch_or(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    return set(static_cast<T>(value_ | value));
  }
  T fetch_and(T value, std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    return set(static_cast<T>(value_ & value));
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                             std::memory_order = std::memory_order_seq_cst) {
    return compare_exchange_strong(expected, value);
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) {
    Schedule::step();
    if (value_ == expected) {
      set(value);
      return true;
    }
    expected = set(value_);
    return false;
  }

 private:
  T set(T value) {
    const T before = value_;
    const bool changes = !(before == value);
    if (changes) Rewind::note(value_);
    value_ = value;
    Schedule::accessed(this, changes);
    return before;
  }

  T value_{};
};

}  // namespace ringtrace::pool::testing
