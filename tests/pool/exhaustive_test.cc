#include <catch2/catch.hpp>

#include "pool/idle_queue.h"
#include "tests/pool/counted.h"
#include "tests/pool/locked_pool.h"
#include "tests/pool/small_cases.h"
#include "tests/pool/wrong_queues.h"

namespace ringtrace::pool::testing {
namespace {

TEST_CASE("whatever the schedule, two or three threads are answered as by some order of whole operations") {
  std::uint64_t all = 0;
  std::size_t left_out = 0;
  for (const SmallCase& each : complete_cases()) {
    if (kUnderSanitizer && each.many) {
      ++left_out;
      continue;
    }
    INFO(each.name());
    const Found found = SmallCaseRun(each).explore_with(TraceGuide(each.threads.size()));
    CHECK(found.wrong == "");
    counted("exhaustive, " + each.name() + ": " + std::to_string(found.schedules) + " schedules");
    all += found.schedules;
  }
  counted("exhaustive: " + std::to_string(all) + " classes of schedules, every one there is, in " +
          std::to_string(complete_cases().size() - left_out) + " cases" +
          (left_out == 0 ? "" : ", without the " + std::to_string(left_out) + " largest under a sanitizer"));
}

TEST_CASE(
    "whatever the schedule of few preemptions, three rivals are answered as by some order of operations") {
  constexpr unsigned kMostPreemptions = kUnderSanitizer ? 1 : 2;
  for (const SmallCase& each : bounded_cases()) {
    INFO(each.name());
    const Found found = SmallCaseRun(each).explore_with(BoundedGuide(each.threads.size(), kMostPreemptions));
    CHECK(found.wrong == "");
    counted("bounded, " + each.name() + ": " + std::to_string(found.schedules) + " schedules, at most " +
            std::to_string(kMostPreemptions) + " preemptions");
  }
}

/// Two threads that each take an index of two from a queue and put it back, twice, under every schedule.
template <typename Queue, typename Take>
Found explore_queue(Take take) {
  Queue queue(4);
  queue.push(0);
  queue.push(1);
  Rewind rewind;
  std::array<std::vector<std::uint32_t>, 2> taken;
  std::vector<std::function<void()>> bodies;
  for (std::vector<std::uint32_t>& own : taken) {
    bodies.emplace_back([&] {
      for (int i = 0; i < 2; ++i) {
        if (const auto index = take(queue)) queue.push(own.emplace_back(*index));
      }
    });
  }
  const auto judge = [&]() -> std::string {
    const auto first = take(queue), second = take(queue);
    if (!first || !second || *first == *second || take(queue)) return "an index lost or doubled";
    if (taken[0].size() + taken[1].size() != 4) return "a queue that is never empty gave nothing";
    if (taken[0][0] == 1 && taken[1][0] == 1) return "an index overtaken";
    return "";
  };
  TraceGuide guide(2);
  return explore(guide, bodies, judge, [&] {
    rewind.rewind();
    for (std::vector<std::uint32_t>& own : taken) own.clear();
  });
}

TEST_CASE("whatever the schedule, the idle queue keeps its order; queues that wait are seen to") {
  const auto ripe = [](auto& queue) { return queue.take([](std::uint32_t) { return true; }); };
  const auto pop = [](auto& queue) { return queue.pop(); };
  const Found found = explore_queue<IdleQueue<DeterministicAtomic>>(ripe);
  CHECK(found.wrong == "");
  counted("exhaustive, the idle queue: " + std::to_string(found.schedules) + " classes of schedules");
  CHECK(explore_queue<LockedQueue<DeterministicAtomic>>(pop).wrong == "a schedule that does not end");
  CHECK(explore_queue<TicketQueue<DeterministicAtomic>>(pop).wrong == "a schedule that does not end");
}

TEST_CASE("the exhaustive test fails on a pool under a lock") {
  LockedPool<DeterministicAtomic> pool(3, kHoldOfProofs);
  const auto lend = [&pool] {
    const Reservation made = pool.reserve({"v", "", "", ""}, hours(1), AdmissionClass::kNormal, at(hours(1)));
    pool.commit(made.ticket, true, at(hours(1)));
  };
  TraceGuide guide(2);
  const auto nothing = [] { return std::string(); };
  CHECK(explore(guide, {lend, lend}, nothing, nothing).wrong == "a schedule that does not end");
}

}  // namespace
}  // namespace ringtrace::pool::testing
