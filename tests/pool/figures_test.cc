// What a pool says of itself: its counts, its memory, and how far its tags reach.

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "pool/slot_word.h"
#include "tests/pool/leasing_desk.h"
#include "tests/pool/pool_fixture.h"
#include "tests/pool/small_pool.h"

namespace ringtrace::pool::testing {
namespace {

TEST_CASE("each number is in one of five states, and counted there") {
  PoolConfig config = pool_config(6);
  OnePool pool(config);
  const Time now = at(hours(1));
  pool.lend("leased", now);
  pool.lend("held", now);
  pool.pools->release(pool.main, "held", now);
  pool.reserve("reserved", now);
  const std::vector<Number> last = {number(5)};
  REQUIRE(pool.pools->drain_numbers(pool.main, last) == 1);
  const PoolCounts counts = pool.counts(now);
  CHECK(counts.total == 6);
  CHECK(counts.leased == 1);
  CHECK(counts.held == 1);
  CHECK(counts.reserved == 1);
  CHECK(counts.drained == 1);
  CHECK(counts.free == 2);
  CHECK(counts.nondurable == 0);
  CHECK(pool.counts(now + seconds(150)).free == 3);
}

TEST_CASE("how long numbers had been idle is counted by buckets, and in seconds") {
  OnePool pool(1);
  Time now = at(hours(1));
  pool.lend("first", now);
  for (const Duration idle : {Duration(seconds(150)), Duration(minutes(5)) - milliseconds(1),
                              Duration(minutes(5)), Duration(hours(2)), Duration(hours(24 * 7))}) {
    pool.pools->release(pool.main, pool.resolve(number(0), now).visit.view(), now);
    now += idle;
    const Reservation made = pool.lend("after " + std::to_string(idle.count()), now);
    REQUIRE(made.outcome == ReserveOutcome::kReserved);
    CHECK(made.idle == idle);
  }
  const PoolTotals totals = pool.pools->totals(pool.main);
  CHECK(totals.leases == 6);
  CHECK(totals.idle.buckets == decltype(totals.idle.buckets){0, 2, 1, 0, 0, 0, 1, 0, 0, 0, 1});
  CHECK(totals.idle.total_seconds == 150 + 299 + 300 + 7'200 + 7 * 86'400);
}

TEST_CASE("what happens to a pool is counted, each in its own place") {
  OnePool pool(2);
  const Time now = at(hours(1));
  pool.lend(VisitView{"a", "ann", "s", ""}, now);
  pool.reserve("a", now);
  pool.pools->renew(pool.main, "a", now + hours(1), now);
  pool.pools->cancel(pool.reserve("b", now).ticket, now);
  pool.lend("c", now, minutes(1));
  pool.lend("d", now);
  pool.pools->release(pool.main, "a", now);
  std::array<LeaseView, 4> ended;
  CHECK(pool.pools->advance(now + minutes(1), ended) == 1);
  pool.lend(VisitView{"e", "ann", "s", ""}, now + minutes(1));
  const PoolTotals totals = pool.pools->totals(pool.main);
  CHECK(totals.leases == 3);
  CHECK(totals.extensions == 1);
  CHECK(totals.renewals == 1);
  CHECK(totals.releases == 1);
  CHECK(totals.expiries == 1);
  CHECK(totals.cancellations == 1);
  CHECK(totals.sticky == 1);
  CHECK(totals.fallbacks == 1);
  CHECK(totals.refusals == 0);
}

TEST_CASE("calls are counted by the way they were resolved, each way in its own place") {
  PoolConfig config = pool_config(2);
  config.attribution.propensities = {{Source::cut("mail"), 0.9}, {Source::cut("social"), 0.001}};
  config.static_numbers = {{*Number::from_digits(78000000011ULL), Source::cut("billboard")}};
  OnePool pool(config);
  const Number stranger = *Number::from_digits(79160000001ULL), ann = *Number::from_digits(79160000002ULL);
  const auto call = [&](int times, Number dialed, Time when, Number caller) {
    ResolutionMethod method{};
    for (int i = 0; i < times; ++i) method = pool.call(dialed, when, caller).method;
    return method;
  };
  pool.lend(VisitView{"a", "", "mail", ""}, at(seconds(0)), minutes(1));
  CHECK(call(1, number(0), at(seconds(30)), ann) == ResolutionMethod::kActiveLease);
  CHECK(call(3, number(0), at(minutes(2)), {}) == ResolutionMethod::kHold);
  REQUIRE(pool.lend("other", at(minutes(4))).number == number(1));
  REQUIRE(pool.lend(VisitView{"b", "", "social", ""}, at(minutes(5)), minutes(1)).number == number(0));
  CHECK(call(2, number(0), at(minutes(5)) + seconds(1), ann) == ResolutionMethod::kReturningCaller);
  CHECK(call(4, number(0), at(minutes(20)), {}) == ResolutionMethod::kHolderLog);
  CHECK(call(5, config.static_numbers[0].number, at(minutes(20)), stranger) ==
        ResolutionMethod::kStaticSource);
  CHECK(call(6, config.fallback, at(minutes(20)), stranger) == ResolutionMethod::kFallback);
  CHECK(call(7, stranger, at(minutes(20)), stranger) == ResolutionMethod::kNone);
  const std::array<std::uint64_t, kResolutionMethods> expected = {1, 2, 3, 4, 5, 6, 7};
  CHECK(pool.pools->resolutions() == expected);
}

TEST_CASE("a lease stands for as long as was asked for, or as its pool says") {
  Desk desk(3);
  std::vector<LeaseAnswer> answers;
  const auto note = [&](const LeaseAnswer& answer) { answers.push_back(answer); };
  desk.leasing->lease({}, {"own", "", "s", ""}, minutes(7), AdmissionClass::kNormal, note);
  desk.leasing->lease({}, {"pools", "", "s", ""}, std::nullopt, AdmissionClass::kNormal, note);
  desk.store.run();
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].lease.expire == desk.clock.time + minutes(7));
  CHECK(answers[1].lease.expire == desk.clock.time + minutes(30));
}

TEST_CASE("a hundred pools keep to themselves, in memory that was fixed at start") {
  constexpr std::uint64_t kPools = 100, kNumbers = 50;
  std::vector<PoolConfig> configs;
  for (std::uint64_t p = 0; p < kPools; ++p) {
    PoolConfig config = pool_config(0);
    config.name = PoolName::cut("pool-" + std::to_string(p));
    config.fallback = number(500'000 + p);
    for (std::uint64_t n = 0; n < kNumbers; ++n) config.numbers.push_back(number(p * kNumbers + n));
    configs.push_back(config);
  }
  const auto pools = make(config_of(configs));
  const std::size_t bytes = pools->memory_bytes();
  const Time now = at(hours(1));
  for (std::uint64_t p = 0; p < kPools; ++p) {
    const PoolIndex pool = *pools->find("pool-" + std::to_string(p));
    for (std::uint64_t n = 0; n <= kNumbers; ++n) {
      // The same visit in every pool: a visit has a number in each.
      const std::string visit = "visit-" + std::to_string(n);
      const Reservation made =
          pools->reserve(pool, {visit, visit, "s", visit}, hours(1), AdmissionClass::kNormal, now);
      if (n == kNumbers) {
        CHECK(made.number == number(500'000 + p));
        continue;
      }
      REQUIRE(made.number == number(p * kNumbers + n));
      REQUIRE(pools->commit(made.ticket, true, now));
      const Resolution answer = pools->resolve({made.number, {}, now});
      REQUIRE(answer.pool.view() == "pool-" + std::to_string(p));
      REQUIRE(answer.visit.view() == visit);
    }
    CHECK(pools->counts(pool, now).leased == kNumbers);
    CHECK(pools->totals(pool).fallbacks == 1);
  }
  CHECK(pools->memory_bytes() == bytes);
}

TEST_CASE("tags do not come round in a year at a million changes a second") {
  constexpr std::uint64_t kChangesOfYear = 1'000'000ULL * 86'400 * 366;
  const std::uint64_t most = SlotWord(~std::uint64_t{0}).tag();
  CHECK(most > kChangesOfYear);
  // All of the tag's bits count, and nothing else of the word does.
  const SlotWord full = SlotWord(~std::uint64_t{0});
  CHECK(full.counted().tag() == 0);
  CHECK((full.counted().bits() ^ full.bits()) == most << 16);
  CHECK(SlotWord().counted().tag() == 1);
}

TEST_CASE("the look for a loss sees a number that is lost") {
  const Time now = at(hours(1)), over = at(hours(24));
  SmallPool<std::atomic, 8> small(pool_config(3));
  LendingPool<std::atomic>& pool = small.pool;
  const Reservation made = pool.reserve({"a", "", "", ""}, hours(1), AdmissionClass::kNormal, now);
  CHECK(find_loss(pool, 3, over) == "of 3 numbers 2 free, 0 leased, 0 held, 1 reserved, 0 drained");
  pool.commit(made.ticket, true, now);
  CHECK(find_loss(pool, 4, over) == "of 4 numbers 3 free, 0 leased, 0 held, 0 reserved, 0 drained");
  CHECK(find_loss(pool, 3, over) == "");
}

}  // namespace
}  // namespace ringtrace::pool::testing
