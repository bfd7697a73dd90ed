#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ringtrace::pool {

/// Counters that threads add to without meeting, and without a locked instruction: the first thread that
/// comes to a row owns it, and adds to it as to a variable of its own. Threads whose row has another owner
/// share one more row, and add to that atomically. A thread is known by where its own storage lies, which the
/// next thread to have it inherits with the row.
///
/// Relaxed: a count orders nothing, and a sum read while threads add may miss the latest.
template <std::size_t kCounters>
class Tally {
 public:
  struct Amount {
    std::size_t counter;
    std::uint64_t amount = 1;
  };

  void add(std::size_t counter, std::uint64_t amount = 1) { add_all({{counter, amount}}); }

  /// To several at once, which is cheaper than one after the other.
  template <std::size_t kAmounts>
  void add_all(const Amount (&amounts)[kAmounts]) {
    const std::uint64_t self = this_thread();
    Row& row = rows_[(self * 0x9E37'79B9'7F4A'7C15ULL) >> (64 - kRowBits)];
    if (row.owner.load(std::memory_order_relaxed) == self || own(row, self)) [[likely]] {
      for (const Amount& each : amounts) {
        std::atomic<std::uint64_t>& count = row.counts[each.counter];
        count.store(count.load(std::memory_order_relaxed) + each.amount, std::memory_order_relaxed);
      }
    } else {
      for (const Amount& each : amounts) {
        shared_.counts[each.counter].fetch_add(each.amount, std::memory_order_relaxed);
      }
    }
  }

  /// May be called for a counter that is also added to: sums are modulo 2^64, as additions are.
  void subtract(std::size_t counter) { add(counter, ~std::uint64_t{0}); }

  std::uint64_t sum(std::size_t counter) const {
    std::uint64_t sum = shared_.counts[counter].load(std::memory_order_relaxed);
    for (const Row& row : rows_) sum += row.counts[counter].load(std::memory_order_relaxed);
    return sum;
  }

 private:
  static constexpr unsigned kRowBits = 5;

  struct alignas(128) Row {
    std::atomic<std::uint64_t> owner{0};
    std::atomic<std::uint64_t> counts[kCounters] = {};  // indices are below kCounters: nothing checks them
  };

  static std::uint64_t this_thread() {
    static thread_local char here;
    return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&here));
  }

  static bool own(Row& row, std::uint64_t self) {
    std::uint64_t nobody = 0;
    return row.owner.load(std::memory_order_relaxed) == 0 &&
           row.owner.compare_exchange_strong(nobody, self, std::memory_order_relaxed);
  }

  Row rows_[std::size_t{1} << kRowBits] = {};
  Row shared_{};
};

}  // namespace ringtrace::pool
