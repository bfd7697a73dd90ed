#include <catch2/catch.hpp>

#include "tests/gateway/lease_life.h"

namespace ringtrace::gateway {
namespace {

/// Lives and is killed: of "visit" the store knows the lease, but not its end. Returns the number it had.
pool::Number number_of_untold_end(const Config& config) {
  Life killed(config, kStart);
  const pool::Number number = killed.lease("visit").number;
  killed.release("visit", StoreStatus::kUnavailable);
  return number;
}

}  // namespace

TEST_CASE("a lease answered while the store was away survives the gateway, and is told to the store later") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  std::map<std::string, pool::Number> numbers;
  {
    Life killed(config, kStart);
    for (const char* visit : {"kept", "extended", "released"}) {
      numbers[visit] = killed.lease(visit, StoreStatus::kUnavailable).number;
    }
    killed.lease("stored");
    killed.clock.time += minutes(10);
    killed.renew("extended", StoreStatus::kUnavailable);
    killed.release("released", StoreStatus::kUnavailable);
  }
  Life next(config, kStart + minutes(11));
  CHECK(next.get("kept").number == numbers["kept"]);
  CHECK(next.get("extended").number == numbers["extended"]);
  CHECK(next.get("extended").lease.expire == kStart + minutes(40));
  CHECK_FALSE(next.holds("released"));
  CHECK(next.pools->counts({}, next.clock.time).nondurable >= 2);
  // The released number is in its hold: nobody gets it.
  for (int i = 0; i < 37; ++i) CHECK(next.lease("other-" + std::to_string(i)).number != numbers["released"]);
}

TEST_CASE("the end of a lease that only the store knows is told to it when it is back") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  const pool::Number number = number_of_untold_end(config);
  Life next(config, kStart + seconds(5));
  // The store has not heard of the end.
  next.pools->restore({}, {number, {"visit", "", "", ""}, kStart, kStart + minutes(30), std::nullopt},
                      next.clock.time);
  REQUIRE(next.holds("visit"));
  next.store.status = StoreStatus::kDone;
  next.aftermath.all_reloaded();
  CHECK_FALSE(next.holds("visit"));
}

TEST_CASE("an old end does not end what its visit has asked for since") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  const pool::Number number = number_of_untold_end(config);
  Life next(config, kStart + seconds(5));
  const auto restore = [&](std::optional<pool::Time> ended) {
    next.pools->restore({}, {number, {"visit", "", "", ""}, kStart, kStart + minutes(30), ended},
                        next.clock.time);
  };
  SECTION("before the store's leases are reloaded") {
    restore(std::nullopt);
    REQUIRE(next.lease("visit").number == number);
    next.aftermath.all_reloaded();
  }
  SECTION("before the end could be told to the store") {
    restore(kStart + seconds(4));
    next.store.status = StoreStatus::kUnavailable;
    next.aftermath.all_reloaded();
    REQUIRE(next.lease("visit").number == number);
    next.aftermath.tick(true, true);
  }
  CHECK(next.holds("visit"));
}

TEST_CASE("an end that the store answers late does not end what its visit has asked for since") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  {
    Life killed(config, kStart);
    killed.lease("visit");
    killed.store.answers_releases = false;
    killed.release("visit", StoreStatus::kDone);
    killed.clock.time += seconds(1);
    killed.lease("visit", StoreStatus::kUnavailable);
    killed.store.waiting.at(0)({StoreStatus::kInDoubt, {}, pool::kNever, ""});
  }
  CHECK(Life(config, kStart + seconds(5)).holds("visit"));
}

TEST_CASE("what was over when the store came back is no word against what the visit has got since") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  const pool::PoolConfig& pool = config.pools.pools[0];
  {
    Life killed(config, kStart);
    killed.lease("visit", StoreStatus::kUnavailable);
    // The replay of an older lease of the visit, of another number, fails as well.
    killed.store.status = StoreStatus::kUnavailable;
    killed.aftermath.leases().lease({"main", pool.numbers.back(), "visit", "", "google/cpc", "",
                                     kStart - hours(1), kStart - minutes(1), pool.hold},
                                    kStart + seconds(1), [](const pool::StoreReply&) {});
  }
  CHECK(Life(config, kStart + seconds(5)).holds("visit"));
}

TEST_CASE("a lease that is given against the store's word survives the gateway") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  const pool::PoolConfig& pool = config.pools.pools[0];
  {
    Life killed(config, kStart);
    killed.aftermath.leases().note_unwritten({"main", pool.numbers.front(), "visit", "", "google/cpc", "",
                                              kStart, kStart + minutes(30), pool.hold},
                                             kStart);
  }
  CHECK(Life(config, kStart + seconds(5)).holds("visit"));
}

TEST_CASE("ends of before another gateway had the numbers are told to nobody, nor by the next process") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  number_of_untold_end(config);
  const auto tells_end = [](Life& life) {
    life.store.status = StoreStatus::kDone;
    life.aftermath.all_reloaded();
    while (life.leasing.replay(100) > 0) continue;
    return !life.store.released.empty();
  };
  SECTION("by the one that finds it out") {
    Life next(config, kStart + seconds(5));
    next.aftermath.others_lent();
    CHECK_FALSE(tells_end(next));
  }
  SECTION("nor by the one after it") {
    Life(config, kStart + seconds(5)).aftermath.others_lent();
    Life last(config, kStart + seconds(6));
    CHECK_FALSE(tells_end(last));
  }
  SECTION("while nobody else had them they are") {
    Life next(config, kStart + seconds(5));
    CHECK(tells_end(next));
  }
}

TEST_CASE("the end of a lease that the store does not know is known when the store tells of the lease") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  const pool::Number number = number_of_untold_end(config);
  Life next(config, kStart + seconds(5));
  CHECK(next.aftermath.leases().end_of("main", number, "visit") == kStart);
  CHECK_FALSE(next.aftermath.leases().end_of("main", number, "another"));
}

TEST_CASE("a lease the store has heard of meanwhile does not come back in an older state") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  {
    Life killed(config, kStart);
    killed.lease("visit", StoreStatus::kInDoubt);
    killed.clock.time += minutes(1);
    killed.release("visit", StoreStatus::kDone);
  }
  Life next(config, kStart + minutes(2));
  CHECK_FALSE(next.holds("visit"));
}

TEST_CASE("a visit that was given another number has that one again, and the first one is held") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory, pool::Durability::kRequired);
  pool::Number second;
  {
    Life killed(config, kStart);
    killed.lease("visit", StoreStatus::kInDoubt);
    const pool::Number first = killed.get("visit").number;
    // The store knows the visit under another number, and that one it is told.
    second = killed.pools->config({}).numbers.back();
    REQUIRE(second != first);
    killed.store.status = StoreStatus::kDone;
    killed.aftermath.leases().lease(
        {"main", second, "visit", "", "google/cpc", "", kStart, kStart + minutes(40), seconds(150)}, kStart,
        [](const pool::StoreReply&) {});
  }
  Life next(config, kStart + seconds(1));
  CHECK(next.get("visit").number == second);
}

TEST_CASE("the journal is emptied once the store knows everything, and not before") {
  const test::TemporaryDirectory directory;
  Life life(config_of(directory), kStart);
  life.lease("visit", StoreStatus::kUnavailable);
  REQUIRE(life.aftermath.leases().file_bytes() > 0);
  life.aftermath.tick(true, false);
  life.aftermath.tick(true, false);
  CHECK(life.aftermath.leases().file_bytes() > 0);
  life.aftermath.tick(true, true);
  // One look is not enough: a lease may be on its way from the file into memory.
  CHECK(life.aftermath.leases().file_bytes() > 0);
  life.lease("another", StoreStatus::kUnavailable);
  life.aftermath.tick(true, true);
  CHECK(life.aftermath.leases().file_bytes() > 0);
  life.aftermath.tick(true, true);
  CHECK(life.aftermath.leases().file_bytes() == 0);
}

TEST_CASE("a pool that requires the store's word writes down only what is in doubt") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory, pool::Durability::kRequired);
  {
    Life killed(config, kStart);
    CHECK(killed.lease("refused", StoreStatus::kUnavailable).status == pool::LeaseStatus::kStoreUnavailable);
    CHECK(killed.aftermath.leases().file_bytes() == 0);
    killed.lease("in-doubt", StoreStatus::kInDoubt);
    CHECK(killed.aftermath.leases().file_bytes() > 0);
  }
  Life next(config, kStart + seconds(1));
  CHECK(next.holds("in-doubt"));
  CHECK_FALSE(next.holds("refused"));
}

TEST_CASE("who comes after a life with leases is blind until the store is back or all of them are over") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  {
    Life first(config, kStart);
    CHECK(first.aftermath.blind_until() == pool::kNever);
    first.lease("visit");
    first.aftermath.tick(true, true);
  }
  // At least until the lease and its hold are over, and not much longer.
  Life next(config, kStart + minutes(1));
  CHECK(next.aftermath.blind_until() >= kStart + minutes(30) + seconds(150));
  CHECK(next.aftermath.blind_until() <= kStart + minutes(30) + seconds(160));
  CHECK(Life(config, kStart + minutes(40)).aftermath.blind_until() == pool::kNever);
}

TEST_CASE("leases that were never told to a store make nobody blind: the journal knows them") {
  const test::TemporaryDirectory directory;
  const Config config = config_of(directory);
  {
    Life first(config, kStart);
    first.lease("visit", StoreStatus::kUnavailable);
    first.aftermath.tick(false, false);
  }
  Life next(config, kStart + minutes(1));
  CHECK(next.aftermath.blind_until() == pool::kNever);
  CHECK(next.holds("visit"));
}

}  // namespace ringtrace::gateway
