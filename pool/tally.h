#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ringtrace::pool {

/// Counters of one pool that threads add to without meeting: each thread adds to one of a few rows, picked by
/// where its own storage lies, and a reader adds the rows up. Relaxed: a count orders nothing. Threads that
/// pick the same row cost each other time, not counts. A sum read while threads add may miss the latest.
template <std::size_t kCounters>
class Tally {
 public:
  void add(std::size_t counter, std::uint64_t amount = 1) {
    rows_[own_row()].counts[counter].fetch_add(amount, std::memory_order_relaxed);
  }

  /// May be called for a counter that is also taken from: sums are modulo 2^64, as additions are.
  void subtract(std::size_t counter) { add(counter, ~std::uint64_t{0}); }

  std::uint64_t sum(std::size_t counter) const {
    std::uint64_t sum = 0;
    for (const Row& row : rows_) sum += row.counts[counter].load(std::memory_order_relaxed);
    return sum;
  }

 private:
  static constexpr std::size_t kRows = 16;

  struct alignas(128) Row {
    std::array<std::atomic<std::uint64_t>, kCounters> counts{};
  };

  static std::size_t own_row() {
    static thread_local char here;
    const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&here));
    return static_cast<std::size_t>(((address >> 6) * 0x9E37'79B9'7F4A'7C15ULL) >> 60);
  }

  std::array<Row, kRows> rows_{};
};

}  // namespace ringtrace::pool
