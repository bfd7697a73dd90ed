#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "redis/connection.h"

namespace ringtrace::redis {

/// The figures of one connection, and with them its limits. Any thread; relaxed counters: each is exact, and
/// no two are read at the same instant.
class ConnectionMeter {
 public:
  /// Counts a command in, or turns it away at a limit.
  bool admit(std::size_t bytes, std::size_t max_commands, std::size_t max_bytes) {
    const auto outstanding = waiting_.load(kRelaxed) + in_flight_.load(kRelaxed);
    if (outstanding >= max_commands || bytes_.load(kRelaxed) + bytes > max_bytes) {
      overflows_.fetch_add(1, kRelaxed);
      return false;
    }
    admit_always(bytes);
    return true;
  }

  /// Counts one of the connection's own commands in.
  void admit_always(std::size_t bytes) {
    waiting_.fetch_add(1, kRelaxed);
    bytes_.fetch_add(bytes, kRelaxed);
  }

  void drop_waiting(std::size_t bytes) {
    waiting_.fetch_sub(1, kRelaxed);
    bytes_.fetch_sub(bytes, kRelaxed);
    unavailable_.fetch_add(1, kRelaxed);
  }

  void wrote(std::size_t commands, std::size_t bytes) {
    in_flight_.fetch_add(commands, kRelaxed);
    waiting_.fetch_sub(commands, kRelaxed);
    commands_.fetch_add(commands, kRelaxed);
    writes_.fetch_add(1, kRelaxed);
    bytes_out_.fetch_add(bytes, kRelaxed);
  }

  void drop_sent(std::size_t bytes) {
    in_flight_.fetch_sub(1, kRelaxed);
    bytes_.fetch_sub(bytes, kRelaxed);
    in_doubt_.fetch_add(1, kRelaxed);
  }

  /// From the io thread only: the greatest is not kept by compare-and-swap.
  void replied(std::size_t bytes, std::chrono::steady_clock::duration took) {
    in_flight_.fetch_sub(1, kRelaxed);
    bytes_.fetch_sub(bytes, kRelaxed);
    replies_.fetch_add(1, kRelaxed);
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    const auto& bounds = ConnectionStats::kBoundsMicros;
    const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), micros) - bounds.begin();
    round_trips_[static_cast<std::size_t>(bucket)].fetch_add(1, kRelaxed);
    sum_micros_.fetch_add(static_cast<std::uint64_t>(micros), kRelaxed);
    max_micros_.store(std::max(max_micros_.load(kRelaxed), static_cast<std::uint64_t>(micros)), kRelaxed);
  }

  void connected() { connects_.fetch_add(1, kRelaxed); }
  void lost() { failures_.fetch_add(1, kRelaxed); }
  void timed_out() { timeouts_.fetch_add(1, kRelaxed); }

  ConnectionStats read() const {
    ConnectionStats stats;
    stats.waiting = waiting_.load(kRelaxed);
    stats.in_flight = in_flight_.load(kRelaxed);
    stats.waiting_bytes = bytes_.load(kRelaxed);
    stats.commands = commands_.load(kRelaxed);
    stats.writes = writes_.load(kRelaxed);
    stats.replies = replies_.load(kRelaxed);
    stats.overflows = overflows_.load(kRelaxed);
    stats.unavailable = unavailable_.load(kRelaxed);
    stats.in_doubt = in_doubt_.load(kRelaxed);
    stats.connects = connects_.load(kRelaxed);
    stats.failures = failures_.load(kRelaxed);
    stats.timeouts = timeouts_.load(kRelaxed);
    stats.bytes_out = bytes_out_.load(kRelaxed);
    for (std::size_t i = 0; i < round_trips_.size(); ++i)
      stats.round_trips[i] = round_trips_[i].load(kRelaxed);
    stats.round_trip_sum_micros = sum_micros_.load(kRelaxed);
    stats.round_trip_max_micros = max_micros_.load(kRelaxed);
    return stats;
  }

 private:
  using Counter = std::atomic<std::uint64_t>;
  static constexpr auto kRelaxed = std::memory_order_relaxed;

  Counter waiting_{0}, in_flight_{0}, bytes_{0};
  Counter commands_{0}, writes_{0}, replies_{0}, overflows_{0}, unavailable_{0}, in_doubt_{0};
  Counter connects_{0}, failures_{0}, timeouts_{0}, bytes_out_{0};
  Counter sum_micros_{0}, max_micros_{0};
  std::array<Counter, ConnectionStats::kBoundsMicros.size() + 1> round_trips_{};
};

}  // namespace ringtrace::redis
