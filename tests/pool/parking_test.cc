#include <catch2/catch.hpp>

#include "tests/pool/counted.h"
#include "tests/pool/locked_pool.h"
#include "tests/pool/park_points.h"
#include "tests/pool/small_pool.h"
#include "tests/pool/wrong_queues.h"

namespace ringtrace::pool::testing {
namespace {

using TestPool = SmallPool<DeterministicAtomic, 8>;

const Time kNow = at(hours(1));
constexpr int kLendings = 4;  // that each other thread must finish

/// What the threads that are not stopped do, with visits of their own; true when all of it was done.
template <typename Pool>
bool lend_and_release(Pool& pool, int who) {
  for (int i = 0; i < kLendings; ++i) {
    const std::string visit = "other " + std::to_string(who * 100 + i);
    const Reservation made = pool.reserve({visit, "", "s", ""}, hours(1), AdmissionClass::kNormal, kNow);
    if (made.outcome == ReserveOutcome::kFallback || !pool.commit(made.ticket, true, kNow)) return false;
    if (!pool.release(visit, kNow)) return false;
  }
  return true;
}

/// One operation that a thread is stopped in, on a pool of four numbers prepared for it.
struct Operation {
  const char* name;
  std::function<void(TestPool&)> prepare;
  std::function<void(TestPool&)> run;
};

Reservation reserve(TestPool& small, std::string_view visit, std::string_view visitor = "", Time now = kNow,
                    Duration ttl = hours(1)) {
  return small.pool.reserve({visit, visitor, "s", "attributes"}, ttl, AdmissionClass::kNormal, now);
}

void lend(TestPool& small, std::string_view visit, std::string_view visitor = "", Time now = kNow,
          Duration ttl = hours(1)) {
  small.pool.commit(reserve(small, visit, visitor, now, ttl).ticket, true, now);
}

std::vector<Operation> operations() {
  const auto nothing = [](TestPool&) {};
  const auto leased = [](TestPool& small) { lend(small, "own"); };
  const auto held = [](TestPool& small) {
    lend(small, "own", "browser");
    small.pool.release("own", kNow);
  };
  const auto reserved = [](TestPool& small) { reserve(small, "own"); };
  const auto due = [](TestPool& small) { lend(small, "own", "", kNow - minutes(1), seconds(30)); };
  const auto reserved_again = [](TestPool& small) {
    lend(small, "own", "browser", kNow - minutes(1), seconds(30));
    reserve(small, "own", "browser");
  };
  const auto ticket = [](TestPool& small) { return reserve(small, "own").ticket; };
  const auto stored = [](bool live) {
    return [live](TestPool& small) {
      const StoredLease lease{number(1),
                              {"stored", "browser", "s", ""},
                              kNow - minutes(5),
                              kNow + minutes(5),
                              live ? std::nullopt : std::optional(kNow - minutes(1))};
      small.pool.restore(1, lease, kNow);
    };
  };
  return {
      {"lease", nothing, [](TestPool& small) { lend(small, "own", "browser"); }},
      {"lease, extended", leased, [](TestPool& small) { lend(small, "own"); }},
      {"lease, taken back", held, [](TestPool& small) { lend(small, "own"); }},
      {"lease, returning visitor", held, [](TestPool& small) { lend(small, "own 2", "browser"); }},
      {"lease, rival", nothing, [](TestPool& small) { lend(small, "other 100"); }},
      {"lease, long id", nothing, [](TestPool& small) { lend(small, std::string(128, 'v')); }},
      {"renew", leased, [](TestPool& small) { small.pool.renew("own", kNow + hours(2), kNow); }},
      {"renew, taken back", held, [](TestPool& small) { small.pool.renew("own", kNow + hours(2), kNow); }},
      {"release", leased, [](TestPool& small) { small.pool.release("own", kNow); }},
      {"expire", due,
       [](TestPool& small) {
         std::array<LeaseView, 4> ended;
         small.pool.advance(kNow, ended);
       }},
      {"resolve", leased,
       [](TestPool& small) {
         Resolution who;
         small.pool.holders(0, kNow, who);
         small.pool.visitor_of(0, kNow);
       }},
      {"find", held, [](TestPool& small) { small.pool.find_lease("own", kNow); }},
      {"cancel", reserved, [ticket](TestPool& small) { small.pool.cancel(ticket(small), kNow); }},
      {"hold back, reserved", reserved,
       [ticket](TestPool& small) { small.pool.hold_back(ticket(small), kNow); }},
      {"hold back, reserved again", reserved_again,
       [ticket](TestPool& small) { small.pool.hold_back(ticket(small), kNow); }},
      {"hold back, leased", leased, [ticket](TestPool& small) { small.pool.hold_back(ticket(small), kNow); }},
      {"set durable", leased,
       [ticket](TestPool& small) { small.pool.set_durable(ticket(small), kNow + hours(1), false); }},
      {"restore, live", nothing, stored(true)},
      {"restore, ended", nothing, stored(false)},
      {"drain and undrain", leased,
       [](TestPool& small) {
         small.pool.drain(2);
         small.pool.undrain(2);
       }},
      {"add", nothing, [](TestPool& small) { small.pool.add_number(number(4)); }},
      {"scan", held,
       [](TestPool& small) {
         std::array<LeaseView, 8> out;
         std::uint32_t from = 0;
         small.pool.scan(from, true, out);
       }},
      {"counts", due, [](TestPool& small) { small.pool.counts(kNow); }},
  };
}

TEST_CASE("a thread stopped at any access of any operation stops nobody, and loses nothing") {
  int stops = 0;
  for (const Operation& operation : operations()) {
    INFO(operation.name);
    const bool adds = std::string_view(operation.name) == "add";
    const ParkPoints points = stop_at_each_access([&](Schedule& schedule) {
      PoolConfig config = pool_config(4);
      config.hold = Duration(0);
      if (std::string_view(operation.name).find("taken back") != std::string_view::npos)
        config.hold = minutes(1);
      if (config.hold > Duration(0)) config.numbers = pool_config(7).numbers;
      TestPool small(config);
      operation.prepare(small);
      bool first = false, second = false;
      // With a hold each lending needs a number of its own.
      const bool holds = config.hold > Duration(0);
      schedule.run({[&] { operation.run(small); }, [&] { first = holds || lend_and_release(small.pool, 1); },
                    [&] { second = lend_and_release(small.pool, 2); }});
      REQUIRE(schedule.ended());
      REQUIRE(first);
      REQUIRE(second);
      REQUIRE(find_loss(small.pool, config.numbers.size() + (adds ? 1 : 0), kNow + hours(24)) == "");
    });
    CHECK(points.stuck == 0);
    CHECK(points.stops > 0);
    stops += points.stops;
  }
  counted("park points of the pool's operations: " + std::to_string(stops));
  CHECK(stops > 500);
}

TEST_CASE("the test of stopped threads fails on a pool under a lock") {
  const ParkPoints points = stop_at_each_access([&](Schedule& schedule) {
    LockedPool<DeterministicAtomic> pool(4, 0);
    const auto user = [&pool](int who) { return [&pool, who] { lend_and_release(pool, who); }; };
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
