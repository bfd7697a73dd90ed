#include "bench/scq.h"

#include <catch2/catch.hpp>
#include <thread>

#include "tests/pool/counted.h"
#include "tests/pool/deterministic_atomic.h"
#include "tests/pool/park_points.h"
#include "tests/pool/wrong_queues.h"

namespace ringtrace::pool::testing {
namespace {

using bench::ScalableCircularQueue;
using Queue = ScalableCircularQueue<>;

TEST_CASE("indices leave the queue in the order they came, around the ring many times") {
  Queue queue(300);
  CHECK(queue.capacity() == 512);
  CHECK_FALSE(queue.pop());
  for (std::uint32_t i = 0; i < 300; ++i) queue.push(i);
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const auto index = queue.pop();
    REQUIRE(index == i % 300);
    queue.push(*index);
  }
  for (std::uint32_t i = 0; i < 300; ++i) REQUIRE(queue.pop() == (10'000 + i) % 300);
  CHECK_FALSE(queue.pop());
}

TEST_CASE("a queue that ran empty fills again") {
  Queue queue(1);
  for (int round = 0; round < 5'000; ++round) {
    CHECK_FALSE(queue.pop());
    queue.push(7);
    REQUIRE(queue.pop() == 7U);
  }
}

TEST_CASE("threads neither lose nor double an index") {
  constexpr std::uint32_t kIndices = 64;
  constexpr int kThreads = 4;
  Queue queue(kIndices);
  for (std::uint32_t i = 0; i < kIndices; ++i) queue.push(i);
  std::vector<std::atomic<int>> holders(kIndices);
  std::atomic<int> shared{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50'000; ++i) {
        const auto index = queue.pop();
        if (!index) continue;
        if (holders[*index].fetch_add(1, std::memory_order_relaxed) != 0) ++shared;
        holders[*index].fetch_sub(1, std::memory_order_relaxed);
        queue.push(*index);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(shared == 0);
  std::vector<bool> seen(kIndices);
  for (std::uint32_t i = 0; i < kIndices; ++i) {
    const auto index = queue.pop();
    REQUIRE(index);
    CHECK_FALSE(seen[*index]);
    seen[*index] = true;
  }
  CHECK_FALSE(queue.pop());
}

TEST_CASE("every schedule of a seed keeps the order of each producer and loses nothing") {
  std::uint64_t schedules = 0, steps = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    ScalableCircularQueue<DeterministicAtomic> queue(16);
    std::vector<std::vector<std::uint32_t>> taken(2);
    const auto produce = [&](std::uint32_t first) {
      return [&queue, first] {
        for (std::uint32_t i = 0; i < 3; ++i) queue.push(first + i);
      };
    };
    const auto consume = [&](std::size_t who) {
      return [&queue, &taken, who] {
        for (int i = 0; i < 4; ++i) {
          if (const auto index = queue.pop()) taken[who].push_back(*index);
        }
      };
    };
    Schedule schedule(seed);
    schedule.run({produce(0), produce(10), consume(0), consume(1)});
    std::vector<std::uint32_t> rest;
    while (const auto index = queue.pop()) rest.push_back(*index);
    std::vector<int> seen(16, 0);
    for (const auto& list : {taken[0], taken[1], rest}) {
      std::uint32_t last_low = 0, last_high = 0;
      for (const std::uint32_t index : list) {
        ++seen[index];
        std::uint32_t& last = index < 10 ? last_low : last_high;
        REQUIRE(index >= last);
        last = index;
      }
    }
    for (const std::uint32_t index : {0U, 1U, 2U, 10U, 11U, 12U}) REQUIRE(seen[index] == 1);
    ++schedules;
    steps += schedule.steps();
  }
  counted("seeded schedules of the SCQ: " + std::to_string(schedules) + ", " + std::to_string(steps) +
          " steps");
}

/// Stops a thread at each of its accesses to a queue of four indices of eight.
template <typename TestQueue>
ParkPoints stop_everywhere() {
  return stop_at_each_access([](Schedule& schedule) {
    TestQueue queue(8);
    for (std::uint32_t i = 0; i < 4; ++i) queue.push(i);
    const auto cycle = [&queue] {
      for (int i = 0; i < 5; ++i) {
        if (const auto index = queue.pop()) queue.push(*index);
      }
    };
    schedule.run({cycle, cycle, cycle});
    int left = 0;
    while (queue.pop()) ++left;
    REQUIRE(left == 4);
  });
}

TEST_CASE("a thread stopped at any access stops nobody") {
  const ParkPoints points = stop_everywhere<ScalableCircularQueue<DeterministicAtomic>>();
  counted("park points of the SCQ: " + std::to_string(points.stops));
  CHECK(points.stuck == 0);
  CHECK(points.stops > 20);
}

TEST_CASE("the test of stopped threads fails on queues that wait") {
  CHECK(stop_everywhere<LockedQueue<DeterministicAtomic>>().stuck > 0);
  CHECK(stop_everywhere<TicketQueue<DeterministicAtomic>>().stuck > 0);
}

}  // namespace
}  // namespace ringtrace::pool::testing
