#include "gateway/aftermath.h"

#include <catch2/catch.hpp>

#include "gateway/last_life.h"
#include "tests/gateway/lease_life.h"

namespace ringtrace::gateway {

TEST_CASE(
    "after a possible loss the numbers that would be lent first are held back, for as long as they may be in "
    "use") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  pool::Number lost;
  {
    Life killed(config, kStart);
    lost = killed.lease("lost").number;
    killed.aftermath.tick(true, true);
  }
  Life next(config, kStart + seconds(1));
  next.aftermath.all_reloaded();
  CHECK(next.aftermath.held({}).numbers == 0);

  next.aftermath.lost(Aftermath::Loss::kPossible, false);
  next.aftermath.all_reloaded();
  CHECK(next.aftermath.held({}).numbers == 16);
  const pool::Time until = next.aftermath.held({}).until;
  CHECK(until >= kStart + minutes(30) + seconds(150));
  CHECK(next.log->lines(LogLevel::kWarning) == 1);
  // Twenty-four are left, and none of them is the one that was lost.
  for (int i = 0; i < 24; ++i) {
    const pool::LeaseAnswer answer = next.lease("visit-" + std::to_string(i));
    REQUIRE(answer.status == pool::LeaseStatus::kLeased);
    CHECK(answer.number != lost);
  }
  CHECK(next.lease("one-too-many").status == pool::LeaseStatus::kFallback);

  next.clock.time = until;
  next.aftermath.tick(true, true);
  CHECK(next.aftermath.held({}).numbers == 0);
  CHECK(next.lease("one-too-many").status == pool::LeaseStatus::kLeased);

  next.log.reset();  // what was said is written then
  CHECK_THAT(next.lines.str(),
             Catch::Contains("numbers=16 loss=possible") &&
                 Catch::Contains("until_ms=" + std::to_string(until.time_since_epoch().count())));
}

TEST_CASE(
    "after a possible loss a lease that may have been extended keeps its number from all others as long") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  pool::Number number;
  {
    Life killed(config, kStart);
    number = killed.lease("visit").number;
    killed.aftermath.tick(true, true);
  }
  // By the store's books it ends soon, is in its hold, or even that is over: an extension of the last second
  // is not in them.
  const auto [ends, begins] = GENERATE(table<seconds, seconds>(
      {{minutes(1), seconds(1)}, {minutes(0), seconds(1)}, {minutes(0), minutes(4)}}));
  Life next(config, kStart + begins);
  const pool::Time expire = kStart + ends;
  next.pools->restore({}, {number, {"visit", "", "", ""}, kStart - minutes(29), expire, std::nullopt},
                      next.clock.time);
  next.aftermath.lost(Aftermath::Loss::kPossible, false);
  next.aftermath.all_reloaded();
  const pool::Time until = next.aftermath.held({}).until;
  // Twice as many as there are numbers, and the hold by the books is over.
  for (int i = 0; i < 80; ++i) {
    next.clock.time += seconds(20);
    next.leasing.tick();
    const std::string visit = "other-" + std::to_string(i);
    CHECK(next.lease(visit).number != number);
    next.release(visit, StoreStatus::kDone);
  }
  REQUIRE(next.clock.time < until);
  // The visit itself may have it back.
  CHECK(next.lease("visit").number == number);
  next.release("visit", StoreStatus::kDone);
  next.clock.time = until + minutes(3);
  next.aftermath.tick(true, true);
  bool lent = false;
  for (int i = 0; i < 40; ++i) lent = lent || next.lease("later-" + std::to_string(i)).number == number;
  CHECK(lent);
}

TEST_CASE("a lease longer than all before it is known to the next life from the moment it is told") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  pool::Number number;
  {
    Life killed(config, kStart);
    number = killed.lease("long", StoreStatus::kDone, std::chrono::hours(5)).number;
  }
  // The store lost it, or is away.
  const Life next(config, kStart + minutes(40));
  CHECK(next.get("long").number == number);
}

TEST_CASE("after a certain loss every free number is held back; a lease found after all takes its own") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  pool::Number lost;
  {
    Life killed(config, kStart);
    lost = killed.lease("lost").number;
    killed.aftermath.tick(true, true);
  }
  Life next(config, kStart + seconds(1));
  next.aftermath.lost(Aftermath::Loss::kCertain, false);
  next.aftermath.all_reloaded();
  CHECK(next.aftermath.held({}).numbers == 40);
  CHECK(next.lease("visit").status == pool::LeaseStatus::kFallback);
  CHECK(next.pools->restore({}, {lost, {"lost", "", "", ""}, kStart, kStart + minutes(30), std::nullopt},
                            next.clock.time) == pool::RestoreOutcome::kLive);
  CHECK(next.get("lost").number == lost);
}

TEST_CASE("a loss outlives the next kills until what was lost is over") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  {
    Life killed(config, kStart);
    killed.lease("lost");
    killed.aftermath.tick(true, true);
  }
  pool::Time until;
  {
    Life claimed(config, kStart + seconds(1));
    claimed.aftermath.lost(Aftermath::Loss::kPossible, false);
    claimed.aftermath.all_reloaded();
    until = claimed.aftermath.held({}).until;
  }
  {
    // This one finds nothing wrong with the store.
    Life next(config, kStart + seconds(2));
    next.aftermath.all_reloaded();
    CHECK(next.aftermath.held({}).numbers == 16);
    CHECK(next.aftermath.held({}).until == until);
    next.clock.time = until;
    next.aftermath.tick(true, true);
  }
  Life last(config, until + seconds(1));
  last.aftermath.all_reloaded();
  CHECK(last.aftermath.held({}).numbers == 0);
}

TEST_CASE("what is lent past the numbers held back, and lost as well, is held back with them") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  { const Life killed(config, kStart); }
  pool::Number lost;
  {
    Life claimed(config, kStart + seconds(1));
    claimed.aftermath.lost(Aftermath::Loss::kPossible, false);
    claimed.aftermath.all_reloaded();
    lost = claimed.lease("lost").number;
  }
  {
    Life next(config, kStart + seconds(2));
    next.aftermath.lost(Aftermath::Loss::kPossible, false);
    next.aftermath.all_reloaded();
    CHECK(next.aftermath.held({}).numbers == 32);
    for (int i = 0; i < 8; ++i) CHECK(next.lease("visit-" + std::to_string(i)).number != lost);
  }
  // In this one nothing more is lost.
  Life last(config, kStart + seconds(3));
  last.aftermath.all_reloaded();
  CHECK(last.aftermath.held({}).numbers == 32);
}

TEST_CASE("what the store forgot and memory has written again holds nothing back after the next kill") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  {
    Life life(config, kStart);
    life.lease("visit");
    life.aftermath.lost(Aftermath::Loss::kPossible, true);
    SECTION("killed before it was written again") {}
    SECTION("killed afterwards") {
      life.clock.time += seconds(2);
      life.aftermath.tick(true, true);
      life.clock.time += seconds(2);
      life.aftermath.tick(true, true);
    }
  }
  Life next(config, kStart + seconds(5));
  next.aftermath.all_reloaded();
  // Each section leaves its trace in the file.
  const bool made_good = read_last_life(directory.path() / "last-life")->loss == 0;
  CHECK((next.aftermath.held({}).numbers == 0) == made_good);
}

}  // namespace ringtrace::gateway
