#include "gateway/clock.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

namespace ringtrace::gateway {

using namespace std::chrono_literals;

TEST_CASE("the clock tells civil time at its start and the steady clock's since") {
  const pool::Time civil{1'800'000'000'000ms};
  const std::chrono::steady_clock::time_point steady{};
  const SteadyClock clock(civil, steady);
  CHECK(clock.at(steady) == civil);
  CHECK(clock.at(steady + 999us) == civil);
  CHECK(clock.at(steady + 1ms) == civil + 1ms);
  CHECK(clock.at(steady + 24h) == civil + 24h);
}

TEST_CASE("the clock is near the machine's civil time") {
  const SteadyClock clock;
  CHECK(clock.offset() >= -1s);
  CHECK(clock.offset() <= 1s);
}

TEST_CASE("no thread sees the clock go back, whatever civil time it was started with") {
  const SteadyClock clock(pool::Time{5ms}, std::chrono::steady_clock::now());
  std::atomic<std::int64_t> latest{0};
  std::atomic<int> backward{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        // What another thread has read before this read began is never later than this read.
        const std::int64_t before = latest.load();
        const std::int64_t now = clock.now().time_since_epoch().count();
        if (now < before) backward.fetch_add(1);
        std::int64_t seen = latest.load();
        while (seen < now && !latest.compare_exchange_weak(seen, now)) {
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(backward.load() == 0);
}

}  // namespace ringtrace::gateway
