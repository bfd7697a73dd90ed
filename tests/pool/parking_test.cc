#include <catch2/catch.hpp>

#include "tests/pool/counted.h"
#include "tests/pool/locked_pool.h"
#include "tests/pool/parked_operations.h"
#include "tests/pool/wrong_queues.h"

namespace ringtrace::pool::testing {
namespace {

TEST_CASE("a thread stopped at any access of any operation stops nobody, and loses nothing") {
  std::uint64_t stops = 0;
  for (const parked::Operation& operation : parked::operations()) {
    INFO(operation.name);
    const Found found = parked::run_operation(operation);
    CHECK(found.wrong == "");
    CHECK(found.schedules > 0);
    stops += found.schedules;
  }
  counted("park points of the pool's operations: " + std::to_string(stops) + ", of " +
          std::to_string(parked::operations().size()) + " operations");
  CHECK(stops > 800);
}

TEST_CASE("where a thread is stopped while it lends out of turn, there is nothing else to lend") {
  PoolConfig config = pool_config(7);
  config.hold = minutes(1);
  parked::TestPool small(config);
  parked::leave_only_stragglers(small);
  CHECK(parked::reserve(small, "own").out_of_turn);
}

TEST_CASE("the test of stopped threads fails on a pool under a lock") {
  const ParkPoints points = stop_at_each_access([&](Schedule& schedule) {
    LockedPool<DeterministicAtomic> pool(4, 0);
    const auto user = [&pool](int who) { return [&pool, who] { parked::lend_and_release(pool, who); }; };
    schedule.run({user(0), user(1), user(2)});
  });
  CHECK(points.stuck > 0);
}

/// Stops a thread at each of its accesses to a queue of four indices of eight.
template <typename Queue, typename Take>
ParkPoints stop_in_queue(Take take) {
  return stop_at_each_access([&](Schedule& schedule) {
    Queue queue(8);
    for (std::uint32_t i = 0; i < 4; ++i) queue.push(i);
    const auto cycle = [&] {
      for (int i = 0; i < 5; ++i) {
        if (const auto index = take(queue)) queue.push(*index);
      }
    };
    schedule.run({cycle, cycle, cycle});
    int left = 0;
    while (take(queue)) ++left;
    REQUIRE(left == 4);
  });
}

TEST_CASE("a thread stopped at any access of the idle queue stops nobody; queues that wait are seen to") {
  const auto ripe = [](auto& queue) { return queue.take([](std::uint32_t) { return true; }); };
  const auto pop = [](auto& queue) { return queue.pop(); };
  const ParkPoints points = stop_in_queue<IdleQueue<DeterministicAtomic>>(ripe);
  counted("park points of the idle queue: " + std::to_string(points.stops));
  CHECK(points.stuck == 0);
  CHECK(points.stops > 20);
  CHECK(stop_in_queue<LockedQueue<DeterministicAtomic>>(pop).stuck > 0);
  CHECK(stop_in_queue<TicketQueue<DeterministicAtomic>>(pop).stuck > 0);
}

}  // namespace
}  // namespace ringtrace::pool::testing
