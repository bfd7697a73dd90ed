#include <catch2/catch.hpp>

#include "tests/pool/pool_fixture.h"

namespace ringtrace::pool::testing {
namespace {

StoredLease stored(Number number, std::string_view visit, Time start, Time expire,
                   std::optional<Time> ended = std::nullopt) {
  return {number, {visit, "", "google/cpc", "{}"}, start, expire, ended};
}

TEST_CASE("a stored lease that stands is the visit's again, with its number and start") {
  OnePool pool(3);
  const auto lease = stored(number(2), "a", at(seconds(0)), at(minutes(30)));
  CHECK(pool.pools->restore(pool.main, lease, at(minutes(5))) == RestoreOutcome::kLive);
  CHECK(pool.pools->restore(pool.main, lease, at(minutes(5))) == RestoreOutcome::kKnown);
  const Reservation again = pool.reserve("a", at(minutes(5)), minutes(1));
  CHECK(again.outcome == ReserveOutcome::kHeld);
  CHECK(again.number == number(2));
  CHECK(again.start == at(seconds(0)));
  CHECK(again.durable);
  CHECK(pool.pools->attributes(number(2), VisitId::cut("a")) == "{}");
}

TEST_CASE("ended leases come back with their hold and their place in the free order") {
  OnePool pool(3);
  const Time now = at(hours(1));
  const auto end = [&](std::uint64_t n, const char* visit, Time when) {
    CHECK(pool.pools->restore(pool.main, stored(number(n), visit, at(seconds(0)), at(hours(2)), when), now) ==
          RestoreOutcome::kEnded);
  };
  end(2, "c", at(minutes(10)));
  end(0, "a", at(minutes(20)));
  end(1, "b", now - seconds(10));
  CHECK(pool.counts(now).held == 1);
  CHECK(pool.lend("x", now).number == number(2));
  CHECK(pool.lend("y", now).number == number(0));
  CHECK(pool.lend("z", now).outcome == ReserveOutcome::kFallback);
  CHECK(pool.resolve(number(1), now).visit.view() == "b");
}

TEST_CASE("a stored lease whose expiry has passed is an ended one") {
  OnePool pool(1);
  CHECK(pool.pools->restore(pool.main, stored(number(0), "a", at(seconds(0)), at(minutes(1))),
                            at(hours(1))) == RestoreOutcome::kEnded);
  CHECK(pool.resolve(number(0), at(hours(1))).visit.view() == "a");
}

TEST_CASE("a number that memory has lent meanwhile stays the new visit's, the other one a candidate") {
  OnePool pool(1);
  pool.lend("new", at(minutes(1)));
  CHECK(pool.pools->restore(pool.main, stored(number(0), "old", at(seconds(0)), at(hours(1))),
                            at(minutes(2))) == RestoreOutcome::kConflict);
  const Resolution answer = pool.resolve(number(0), at(minutes(2)));
  CHECK(answer.visit.view() == "new");
  CHECK(answer.candidates().size() == 2);
}

TEST_CASE("a reservation nobody was told of gives way to the stored lease") {
  OnePool pool(2);
  const Reservation made = pool.reserve("new", at(minutes(1)));
  const auto lease = stored(made.number, "old", at(seconds(0)), at(hours(1)));
  CHECK(pool.pools->restore(pool.main, lease, at(minutes(2))) == RestoreOutcome::kLive);
  CHECK_FALSE(pool.pools->commit(made.ticket, true, at(minutes(2))));
  CHECK(pool.resolve(made.number, at(minutes(2))).visit.view() == "old");
}

TEST_CASE("the reservation of the stored lease's own visit becomes the lease") {
  OnePool pool(2);
  const Reservation made = pool.reserve("a", at(minutes(1)), minutes(5));
  const auto lease = stored(made.number, "a", at(seconds(0)), at(hours(1)));
  CHECK(pool.pools->restore(pool.main, lease, at(minutes(2))) == RestoreOutcome::kLive);
  CHECK_FALSE(pool.pools->commit(made.ticket, true, at(minutes(2))));
  const auto held = pool.pools->find_lease(pool.main, "a", at(minutes(2)));
  REQUIRE(held);
  CHECK(held->expire == at(hours(1)));
  CHECK(held->start == at(seconds(0)));
}

TEST_CASE("a visit that memory gave another number does not hold two, and the stored one is held back") {
  OnePool pool(2);
  const Number mine = pool.lend("a", at(minutes(1)), hours(3)).number;
  const Number theirs = mine == number(0) ? number(1) : number(0);
  CHECK(pool.pools->restore(pool.main, stored(theirs, "a", at(seconds(0)), at(hours(1))), at(minutes(2))) ==
        RestoreOutcome::kConflict);
  CHECK(pool.reserve("a", at(minutes(2))).number == mine);
  CHECK(pool.lend("b", at(minutes(59))).outcome == ReserveOutcome::kFallback);
  CHECK(pool.lend("b", at(hours(1) + seconds(150))).number == theirs);
}

TEST_CASE("a lease that was held back and is the visit's by the store's books after all is found again") {
  OnePool pool(2);
  const Reservation made = pool.lend("a", at(hours(1)));
  REQUIRE(pool.pools->hold_back(made.ticket, at(hours(1) + minutes(1))));
  const auto lease = stored(made.number, "a", made.start, at(hours(3)));
  CHECK(pool.pools->restore(pool.main, lease, at(hours(1) + minutes(2))) == RestoreOutcome::kLive);
  const auto found = pool.pools->find_lease(pool.main, "a", at(hours(1) + minutes(3)));
  REQUIRE(found);
  CHECK(found->number == made.number);
  CHECK(pool.lend("a", at(hours(1) + minutes(3))).outcome == ReserveOutcome::kHeld);
}

TEST_CASE("a longer stored expiry extends what memory has") {
  OnePool pool(1);
  pool.lend("a", at(seconds(0)), minutes(1));
  const auto lease = stored(number(0), "a", at(seconds(0)), at(minutes(10)));
  SECTION("live") { CHECK(pool.pools->restore(pool.main, lease, at(seconds(30))) == RestoreOutcome::kKnown); }
  SECTION("in its hold") {
    CHECK(pool.pools->restore(pool.main, lease, at(minutes(2))) == RestoreOutcome::kLive);
  }
  CHECK(pool.pools->find_lease(pool.main, "a", at(minutes(2)))->live);
  CHECK(pool.pools->find_lease(pool.main, "a", at(minutes(2)))->durable);
}

TEST_CASE("numbers of no, or another, pool are foreign") {
  OnePool pool(1);
  const auto lease = stored(number(77), "a", at(seconds(0)), at(hours(1)));
  CHECK(pool.pools->restore(pool.main, lease, at(seconds(1))) == RestoreOutcome::kForeign);
}

}  // namespace
}  // namespace ringtrace::pool::testing
