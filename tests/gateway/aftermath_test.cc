#include "gateway/aftermath.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "tests/temporary_directory.h"

namespace ringtrace::gateway {
namespace {

using pool::StoreStatus;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// A store that answers everything with one status; releases when it is told to, if so wished.
struct AnsweringStore : pool::LeaseStore {
  StoreStatus status = StoreStatus::kDone;
  bool answers_releases = true;
  std::vector<Done> waiting;
  std::vector<pool::LeaseEnd> released;

  void lease(pool::LeaseRecord record, pool::Time, Done done) override {
    done({status, {}, record.expire, ""});
  }
  void renew(pool::LeaseRecord record, pool::Time, Done done) override {
    done({status, {}, record.expire, ""});
  }
  void release(pool::LeaseEnd end, pool::Time, Done done) override {
    released.push_back(end);
    if (!answers_releases) return waiting.push_back(std::move(done));
    done({status, {}, end.end, ""});
  }
  void expire(pool::LeaseEnd end, pool::Time, Done done) override { done({status, {}, end.end, ""}); }
};

struct SetClock : pool::Clock {
  explicit SetClock(pool::Time start) : time(start) {}
  pool::Time now() const override { return time; }
  pool::Time time;
};

const pool::Time kStart{hours(500'000)};

Config config_of(const test::TemporaryDirectory& directory,
                 pool::Durability durability = pool::Durability::kAvailable) {
  Config config;
  config.state_directory = directory.path().string();
  config.events.spool_bytes = 1 << 20;
  pool::PoolConfig pool;
  pool.name = pool::PoolName::cut("main");
  for (std::uint64_t i = 1; i <= 40; ++i)
    pool.numbers.push_back(*pool::Number::from_digits(12'025'550'100 + i));
  pool.fallback = *pool::Number::parse("+12025550100");
  pool.ttl = minutes(30);
  pool.hold = seconds(150);
  pool.durability = durability;
  config.pools.pools = {pool};
  config.pools.known_callers = 16;
  config.pools.attribute_bytes = 1 << 16;
  return config;
}

/// One life of a gateway's leases. `at` is when it begins.
struct Life {
  Life(const Config& config, pool::Time at)
      : clock(at),
        pools(std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(config.pools))),
        aftermath(config, store, *log),
        leasing(*pools, &aftermath.leases(), clock) {
    aftermath.begin(leasing);
  }

  pool::LeaseAnswer lease(const std::string& visit, StoreStatus status = StoreStatus::kDone,
                          std::optional<pool::Duration> ttl = std::nullopt) {
    // A store that acknowledges has come before.
    if (status == StoreStatus::kDone && !std::exchange(came, true)) aftermath.store_came();
    store.status = status;
    pool::LeaseAnswer given;
    leasing.lease({}, {visit, "", "google/cpc", ""}, ttl, pool::AdmissionClass::kNormal,
                  [&](const pool::LeaseAnswer& answer) { given = answer; });
    return given;
  }

  void renew(const std::string& visit, StoreStatus status) {
    store.status = status;
    leasing.renew({}, visit, std::nullopt, [](const pool::LeaseAnswer&) {});
  }

  void release(const std::string& visit, StoreStatus status) {
    store.status = status;
    leasing.release({}, visit, [](const pool::LeaseAnswer&) {});
  }

  pool::LeaseAnswer get(const std::string& visit) const { return leasing.get({}, visit); }
  bool holds(const std::string& visit) const { return get(visit).status == pool::LeaseStatus::kLeased; }

  bool came = false;
  std::ostringstream lines;
  std::unique_ptr<Log> log = Log::to_stream(lines, LogLevel::kInfo, 1024);
  AnsweringStore store;
  SetClock clock;
  std::unique_ptr<pool::NumberPools> pools;
  Aftermath aftermath;
  pool::Leasing leasing;
};

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
  Life next(config, kStart + seconds(1));
  // By the store's books it ends soon, or is in its hold: an extension of the last second is not in them.
  const pool::Time expire = kStart + (GENERATE(true, false) ? minutes(1) : minutes(0));
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
