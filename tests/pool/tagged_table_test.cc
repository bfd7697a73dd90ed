#include "pool/tagged_table.h"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "pool/known_callers.h"
#include "tests/pool/deterministic_atomic.h"
#include "tests/pool/park_points.h"

namespace ringtrace::pool::testing {
namespace {

/// A payload all of whose words follow from its key and stamp.
struct Told {
  std::array<std::uint64_t, 4> words{};
  std::uint8_t last = 0;
};

Told told(std::uint64_t key, std::uint64_t stamp) {
  Told result;
  for (std::uint64_t i = 0; i < result.words.size(); ++i) result.words[i] = key * 1000 + stamp + i;
  result.last = static_cast<std::uint8_t>(key + stamp);
  return result;
}

bool operator==(const Told& a, const Told& b) { return a.words == b.words && a.last == b.last; }

/// What is known of the key is none or whole.
template <typename Table>
bool find_is_exact(const Table& table, std::uint64_t key) {
  Told found;
  const auto stamp = table.find(key, found);
  return !stamp || found == told(key, *stamp);
}

template <typename Table>
std::optional<std::uint64_t> stamp_of(const Table& table, std::uint64_t key) {
  Told found;
  return table.find(key, found);
}

using Table = TaggedTable<Told>;

TEST_CASE("a key brings back what was put last for it, and an unknown key nothing") {
  Table table(1000);
  CHECK(table.places() == 1000);
  CHECK_FALSE(stamp_of(table, 1));
  std::vector<std::uint64_t> keys;
  for (std::uint64_t i = 1; i <= 300; ++i) keys.push_back(i * 0x9E3779B97F4A7C15ULL);
  for (const std::uint64_t stamp : {5U, 9U, 2U}) {  // also one that is older
    for (const std::uint64_t key : keys) REQUIRE(table.put(key, told(key, stamp), stamp));
    for (const std::uint64_t key : keys) {
      REQUIRE(stamp_of(table, key) == stamp);
      REQUIRE(find_is_exact(table, key));
    }
  }
  CHECK_FALSE(stamp_of(table, 1));
}

TEST_CASE("the oldest of a set makes room, whichever way it is in") {
  for (const std::size_t places : {1U, 2U, 7U, 8U}) {
    Table table(places);
    CHECK(table.places() == places);
    for (std::uint64_t key = 1; key <= 50; ++key) {
      const std::uint64_t stamp = 100 + key;
      REQUIRE(table.put(key, told(key, stamp), stamp));
      for (std::uint64_t known = 1; known <= key; ++known) {
        REQUIRE(stamp_of(table, known).has_value() == (key - known < places));
      }
    }
  }
  Table table(2);
  REQUIRE(table.put(1, told(1, 10), 10));
  REQUIRE(table.put(2, told(2, 11), 11));
  REQUIRE(table.put(1, told(1, 12), 12));
  REQUIRE(table.put(3, told(3, 13), 13));
  CHECK(stamp_of(table, 1) == 12U);
  CHECK_FALSE(stamp_of(table, 2));
  CHECK(stamp_of(table, 3) == 13U);
  Table none(0);
  CHECK_FALSE(none.put(1, told(1, 1), 1));
  CHECK_FALSE(stamp_of(none, 1));
}

TEST_CASE("a key that was removed is unknown, the others of its set stay, and its place is free") {
  Table table(8);
  for (std::uint64_t key = 1; key <= 8; ++key) table.put(key, told(key, 10 + key), 10 + key);
  table.remove(3);
  table.remove(99);
  CHECK_FALSE(stamp_of(table, 3));
  table.put(9, told(9, 1), 1);
  for (const std::uint64_t key : {1U, 2U, 4U, 5U, 6U, 7U, 8U}) CHECK(stamp_of(table, key) == 10 + key);
  CHECK(stamp_of(table, 9) == 1);
}

TEST_CASE("the place of a key that is known says so, and says nothing when its set has no key of it") {
  Table table(64);
  const auto key_at = [](std::uint64_t place) { return place << Table::kRestBits | 0x5A; };
  for (std::uint32_t place = 0; place < 1U << Table::kPlaceBits; place += 3'145'739) {
    REQUIRE_FALSE(table.may_know(place + 1));
    REQUIRE(table.put(key_at(place + 1), told(key_at(place + 1), 1), 1));
    REQUIRE(table.may_know(place + 1));
    REQUIRE_FALSE(table.may_know(place + 2));
    table.remove(key_at(place + 1));
    REQUIRE_FALSE(table.may_know(place + 1));
  }
}

TEST_CASE("known callers come back whole, with times before the epoch in their order") {
  KnownCallers callers(2);
  const Time never = kNever;
  const auto known = [&](std::uint64_t caller, Duration seen) {
    const Candidate visit{VisitId::cut("visit"), Source::cut("ads"), never, never + Duration(5), 0.75};
    return KnownCaller{caller, caller + 1, visit, never + seen};
  };
  REQUIRE(callers.put(known(7, Duration(-5))));
  REQUIRE(callers.put(known(0, Duration(3))));
  const auto found = callers.find(7);
  REQUIRE(found);
  CHECK(found->caller == 7);
  CHECK(found->visitor == 8);
  CHECK(found->visit.visit.view() == "visit");
  CHECK(found->visit.source.view() == "ads");
  CHECK(found->visit.end == never + Duration(5));
  CHECK(found->visit.weight == 0.75);
  CHECK(found->seen == never + Duration(-5));
  CHECK(callers.find(0)->seen == never + Duration(3));
  REQUIRE(callers.put(known(9, Duration(4))));
  CHECK_FALSE(callers.find(7));
  CHECK(callers.find(0));
}

TEST_CASE("in no schedule does a find see a payload that was not put whole for its key") {
  using TestTable = TaggedTable<Told, DeterministicAtomic>;
  std::uint64_t steps = 0, found = 0, refused = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    TestTable table(2);
    bool exact = true;
    const auto put = [&](std::uint64_t first_stamp) {
      return [&, first_stamp] {
        for (std::uint64_t i = 0; i < 4; ++i) {
          const std::uint64_t key = 1 + (first_stamp + i) % 3;
          if (!table.put(key, told(key, first_stamp + i), first_stamp + i)) ++refused;
        }
      };
    };
    const auto find = [&] {
      for (int round = 0; round < 6; ++round) {
        for (std::uint64_t key = 1; key <= 3; ++key) {
          if (!find_is_exact(table, key)) exact = false;
          if (stamp_of(table, key)) ++found;
        }
      }
    };
    Schedule schedule(seed);
    schedule.run({put(10), put(21), find});
    REQUIRE(exact);
    // However they met: a later put wins, also over a newer stamp of a key that got in twice.
    for (std::uint64_t key = 1; key <= 3; ++key) {
      REQUIRE(table.put(key, told(key, 1), 1));
      REQUIRE(stamp_of(table, key) == 1U);
    }
    steps += schedule.steps();
  }
  CHECK(found > 400);
  WARN("schedules run: 400, steps: " << steps << ", found: " << found << ", puts refused: " << refused);
}

TEST_CASE("of a key that got in twice the newest counts, until a later put leaves one") {
  using TestTable = TaggedTable<Told, DeterministicAtomic>;
  for (const auto& [sleeper, other] : {std::pair{9, 1}, std::pair{1, 9}}) {
    TestTable table(8);
    // Each put of an empty set looks at 24 words, claims, and writes: the sleeper stops inside its writing.
    Schedule schedule(1, {0, 27, 20'000});
    const auto put = [&](std::uint64_t stamp) { REQUIRE(table.put(5, told(5, stamp), stamp)); };
    schedule.run({[&, stamp = static_cast<std::uint64_t>(sleeper)] { put(stamp); },
                  [&, stamp = static_cast<std::uint64_t>(other)] {
                    while (!schedule.stopped()) Schedule::step();
                    put(stamp);
                    REQUIRE(stamp_of(table, 5) == stamp);
                  }});
    REQUIRE(schedule.stopped());
    CHECK(stamp_of(table, 5) == 9U);
    CHECK(find_is_exact(table, 5));
    REQUIRE(table.put(5, told(5, 3), 3));
    CHECK(stamp_of(table, 5) == 3U);
  }
}

TEST_CASE("a thread stopped at any access of a put or find stops nobody") {
  using TestTable = TaggedTable<Told, DeterministicAtomic>;
  std::uint64_t refused = 0;
  const ParkPoints points = stop_at_each_access([&](Schedule& schedule) {
    TestTable table(8);
    for (std::uint64_t key = 1; key <= 8; ++key) table.put(key, told(key, key), key);
    bool exact = true;
    const auto work = [&](std::uint64_t first_stamp) {
      return [&, first_stamp] {
        for (std::uint64_t i = 0; i < 3; ++i) {
          const std::uint64_t key = 2 + i * 4;  // two that are there, one that is not
          if (!table.put(key, told(key, first_stamp + i), first_stamp + i)) ++refused;
          if (!find_is_exact(table, key)) exact = false;
        }
      };
    };
    schedule.run({work(100), work(200), work(300)});
    REQUIRE(exact);
  });
  WARN("park points run: " << points.stops);
  CHECK(points.stuck == 0);
  CHECK(points.stops > 100);
  CHECK(refused == 0);
}

TEST_CASE("threads that put and find at once see whole payloads") {
  Table table(8);
  std::atomic<bool> putting{true}, exact{true};
  std::atomic<std::uint64_t> found{0};
  std::vector<std::thread> threads;
  for (std::uint64_t who = 0; who < 2; ++who) {
    threads.emplace_back([&, who] {
      for (std::uint64_t i = 1; i <= 50'000; ++i) {
        const std::uint64_t key = 1 + (i * (who + 7)) % 11;
        table.put(key, told(key, i), i);
      }
    });
    threads.emplace_back([&] {
      while (putting.load()) {
        for (std::uint64_t key = 1; key <= 11; ++key) {
          if (!find_is_exact(table, key)) exact = false;
          if (stamp_of(table, key)) found.fetch_add(1, std::memory_order_relaxed);
        }
      }
    });
  }
  threads[0].join();
  threads[2].join();
  putting = false;
  threads[1].join();
  threads[3].join();
  CHECK(exact);
  CHECK(found > 0);
}

}  // namespace
}  // namespace ringtrace::pool::testing
