#pragma once

#include <time.h>

#include <barrier>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace ringtrace::bench {

/// Keeps a result from being optimized away.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

/// Runs `body(t)` on `threads` threads t = 0, 1, ... that begin together; seconds of wall time from then
/// until the last one is done.
template <typename Body>
double seconds_of(int threads, Body body) {
  std::barrier begin(threads + 1);
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&begin, &body, t] {
      begin.arrive_and_wait();
      body(t);
    });
  }
  const auto start = std::chrono::steady_clock::now();
  begin.arrive_and_wait();
  for (std::thread& thread : running) thread.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds of processor time the calling thread has used.
inline double thread_seconds() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

}  // namespace ringtrace::bench
