#include "sip/timer_queue.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <vector>

namespace ringtrace::sip {
namespace {

using std::chrono::milliseconds;

const SteadyTime kStart = SteadyTime{} + std::chrono::hours(5);

std::vector<std::uint64_t> fired_by(TimerQueue& queue, SteadyTime now) {
  std::vector<std::uint64_t> owners;
  queue.advance(now, [&](TimerQueue::Id, TimerQueue::Event event) { owners.push_back(event.owner); });
  return owners;
}

}  // namespace

TEST_CASE("a timer fires at its time, not before, and once") {
  TimerQueue queue(kStart);
  queue.start(kStart + milliseconds(500), {7, 1});
  CHECK(fired_by(queue, kStart + milliseconds(499)).empty());
  CHECK(fired_by(queue, kStart + milliseconds(510)) == std::vector<std::uint64_t>{7});
  CHECK(fired_by(queue, kStart + milliseconds(5000)).empty());
  CHECK(queue.size() == 0);
}

TEST_CASE("a stopped timer does not fire, and its old id stops no later timer") {
  TimerQueue queue(kStart);
  auto first = queue.start(kStart + milliseconds(100), {1, 0});
  const auto stale = first;
  queue.stop(first);
  CHECK(first == TimerQueue::kNone);
  queue.start(kStart + milliseconds(100), {2, 0});
  auto again = stale;
  queue.stop(again);
  CHECK(fired_by(queue, kStart + milliseconds(200)) == std::vector<std::uint64_t>{2});
}

TEST_CASE("a callback may stop a timer that is due in the same tick and start one that is due now") {
  TimerQueue queue(kStart);
  std::map<std::uint64_t, TimerQueue::Id> ids;
  ids[1] = queue.start(kStart + milliseconds(100), {1, 0});
  ids[2] = queue.start(kStart + milliseconds(100), {2, 0});
  std::vector<std::uint64_t> owners;
  queue.advance(kStart + milliseconds(100), [&](TimerQueue::Id, TimerQueue::Event event) {
    owners.push_back(event.owner);
    if (event.owner == 3) return;
    queue.stop(ids[3 - event.owner]);
    queue.start(kStart, {3, 0});
  });
  REQUIRE(owners.size() == 2);
  CHECK(owners[1] == 3);
}

TEST_CASE("who sleeps until the queue's next time is in time for every timer, and seldom wakes for nothing") {
  std::mt19937_64 random(20261128);
  TimerQueue queue(kStart);
  std::map<std::uint64_t, SteadyTime> due;
  for (std::uint64_t owner = 1; owner <= 2000; ++owner) {
    const SteadyTime at = kStart + milliseconds(random() % (std::uint64_t{1} << (random() % 31)));
    due[owner] = at;
    queue.start(at, {owner, 0});
  }
  SteadyTime now = kStart;
  std::size_t wakes = 0;
  while (queue.size() > 0) {
    const SteadyTime next = queue.next();
    REQUIRE(next >= now);
    now = next;
    ++wakes;
    queue.advance(now, [&](TimerQueue::Id, TimerQueue::Event event) {
      CHECK(now >= due[event.owner]);
      CHECK(now < due[event.owner] + TimerQueue::kTick);
      due.erase(event.owner);
    });
  }
  CHECK(due.empty());
  CHECK(wakes <
        2000 + 5 * 200);  // one for each timer, and some for the turns of the wheel before those far away
  CHECK(queue.next() == SteadyTime::max());
}

TEST_CASE("timers that only tidy up fire together, late but never early") {
  TimerQueue queue(kStart);
  for (std::uint64_t i = 0; i < 100; ++i) queue.start_tidy(kStart + milliseconds(32'000 + 10 * i), {i, 0});
  std::size_t wakes = 0;
  for (SteadyTime now = kStart; queue.size() > 0;) {
    now = queue.next();
    bool fired = false;
    queue.advance(now, [&](TimerQueue::Id, TimerQueue::Event event) {
      const SteadyTime at = kStart + milliseconds(32'000 + 10 * event.owner);
      CHECK(now >= at);
      CHECK(now < at + TimerQueue::kTidy + TimerQueue::kTick);
      fired = true;
    });
    wakes += fired ? 1 : 0;
  }
  CHECK(wakes <= 5);
}

TEST_CASE("timers over milliseconds to days fire like those of a sorted list") {
  std::mt19937_64 random(20240607);
  TimerQueue queue(kStart);
  std::multimap<SteadyTime, std::uint64_t> model;
  std::map<std::uint64_t, TimerQueue::Id> ids;
  SteadyTime now = kStart;
  std::uint64_t owner = 0;
  std::size_t fired = 0;
  for (int round = 0; round < 3000; ++round) {
    for (int i = 0; i < 5; ++i) {
      const auto scale = std::uint64_t{1} << (random() % 30);
      const SteadyTime at = now + milliseconds(random() % scale);
      ++owner;
      ids[owner] = queue.start(at, {owner, 0});
      model.emplace(at, owner);
    }
    if (random() % 3 == 0 && !model.empty()) {
      auto victim = std::next(model.begin(), static_cast<long>(random() % model.size()));
      queue.stop(ids[victim->second]);
      model.erase(victim);
    }
    now += milliseconds(random() % (random() % 50 == 0 ? 10'000'000 : 2000));
    queue.advance(now, [&](TimerQueue::Id, TimerQueue::Event event) {
      ++fired;
      const auto found =
          std::find_if(model.begin(), model.end(), [&](const auto& e) { return e.second == event.owner; });
      REQUIRE(found != model.end());
      REQUIRE(found->first <= now);
      model.erase(found);
    });
    // Nothing that has been due for a whole tick is left.
    REQUIRE((model.empty() || model.begin()->first > now - TimerQueue::kTick));
    REQUIRE(queue.size() == model.size());
  }
  CHECK(fired > 10'000);
}

}  // namespace ringtrace::sip
