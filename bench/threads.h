#pragma once

#include <time.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <thread>
#include <vector>

#include "bench/report.h"

namespace ringtrace::bench {

/// Keeps a result from being optimized away.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

/// Seconds of processor time the calling thread has used.
inline double thread_seconds() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// How long threads ran: on the wall, and on processors, all added up.
struct Span {
  double wall = 0;
  double processor = 0;
};

/// Runs `body(t)` on `threads` threads t = 0, 1, ... that begin together, until the last one is done.
template <typename Body>
Span span_of(int threads, Body body) {
  std::barrier begin(threads + 1);
  std::vector<double> used(static_cast<std::size_t>(threads));
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&begin, &body, &used, t] {
      begin.arrive_and_wait();
      const double before = thread_seconds();
      body(t);
      used[static_cast<std::size_t>(t)] = thread_seconds() - before;
    });
  }
  const auto start = std::chrono::steady_clock::now();
  begin.arrive_and_wait();
  for (std::thread& thread : running) thread.join();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  return {wall.count(), std::accumulate(used.begin(), used.end(), 0.0)};
}

/// The cores that threads which never wait really had. When others use the machine, two threads may run by
/// turns on one core, where they do not meet: such a run says nothing of meeting, for or against.
class Cores {
 public:
  void add(const Span& span) { seen_.push_back(span.processor / span.wall); }

  /// `row` with no verdict when the threads had less than nine tenths of the cores there are for them.
  Row judge(Row row, int threads) const {
    const double due = std::min<double>(threads, std::thread::hardware_concurrency());
    const double had = quantile(seen_, 0.5);
    if (had >= 0.9 * due) return row;
    std::fprintf(stderr, "bench: no verdict, the threads had %.2f cores of %.0f\n", had, due);
    row.ok.reset();
    return row;
  }

 private:
  std::vector<double> seen_;
};

}  // namespace ringtrace::bench
