#include <catch2/catch.hpp>
#include <map>

#include "tests/pool/pool_fixture.h"

namespace ringtrace::pool::testing {
namespace {

TEST_CASE("a visit keeps its number however often it asks, and each time for longer") {
  OnePool pool(3);
  const Reservation first = pool.lend("a", at(seconds(0)));
  REQUIRE(first.outcome == ReserveOutcome::kReserved);

  const Reservation again = pool.lend("a", at(minutes(10)));
  CHECK(again.outcome == ReserveOutcome::kHeld);
  CHECK(again.number == first.number);
  CHECK(again.ticket == first.ticket);
  CHECK(again.start == at(seconds(0)));
  CHECK(again.expire == at(minutes(40)));
  CHECK_FALSE(again.durable);

  const Reservation shorter = pool.lend("a", at(minutes(11)), minutes(1));
  CHECK(shorter.expire == at(minutes(40)));
  CHECK(pool.counts(at(minutes(11))).leased == 1);
}

TEST_CASE("a reservation is nobody's to a caller, and pending to its own visit") {
  OnePool pool(3);
  const Reservation made = pool.reserve("a", at(seconds(0)));
  CHECK(pool.resolve(made.number, at(seconds(1))).method == ResolutionMethod::kNone);

  const Reservation joined = pool.reserve("a", at(seconds(1)));
  CHECK(joined.outcome == ReserveOutcome::kPending);
  CHECK(joined.ticket == made.ticket);
  CHECK_FALSE(pool.pools->find_lease(pool.main, "a", at(seconds(1))));
  CHECK(pool.counts(at(seconds(1))).reserved == 1);

  REQUIRE(pool.pools->commit(made.ticket, true, at(seconds(2))));
  CHECK(pool.pools->commit(joined.ticket, true, at(seconds(2))));
  CHECK(pool.resolve(made.number, at(seconds(2))).method == ResolutionMethod::kActiveLease);
  CHECK_FALSE(pool.pools->cancel(made.ticket, at(seconds(2))));
}

TEST_CASE("a cancelled reservation leaves no trace") {
  OnePool pool(1);
  pool.lend("a", at(seconds(0)), minutes(1));
  const Time later = at(minutes(10));
  const Reservation made = pool.reserve("b", later);
  REQUIRE(made.outcome == ReserveOutcome::kReserved);
  REQUIRE(pool.pools->cancel(made.ticket, later));
  CHECK_FALSE(pool.pools->commit(made.ticket, true, later));
  CHECK(pool.resolve(made.number, later).visit.view() == "a");
  CHECK(pool.counts(later).free == 1);
  CHECK(pool.counts(later).oldest_idle == minutes(9));
  CHECK(pool.reserve("a", later).sticky);
}

TEST_CASE("a number goes to nobody else before its hold is over") {
  OnePool pool(1);
  pool.lend("a", at(seconds(0)), minutes(1));
  const Time held_until = at(minutes(1) + seconds(150));
  CHECK(pool.reserve("b", held_until - milliseconds(1)).outcome == ReserveOutcome::kFallback);
  const Reservation after = pool.reserve("b", held_until);
  CHECK(after.outcome == ReserveOutcome::kReserved);
  CHECK(after.idle == seconds(150));
}

TEST_CASE("a release starts the hold at once") {
  OnePool pool(1);
  pool.lend("a", at(seconds(0)));
  const auto ended = pool.pools->release(pool.main, "a", at(seconds(10)));
  REQUIRE(ended);
  CHECK_FALSE(ended->live);
  CHECK(ended->expire == at(seconds(10)));
  CHECK_FALSE(ended->durable);
  CHECK_FALSE(pool.pools->release(pool.main, "a", at(seconds(11))));
  CHECK(pool.reserve("b", at(seconds(159))).outcome == ReserveOutcome::kFallback);
  CHECK(pool.reserve("b", at(seconds(160))).outcome == ReserveOutcome::kReserved);
}

TEST_CASE("the number that has been idle the longest goes first") {
  OnePool pool(3);
  const Number first = pool.lend("a", at(seconds(0))).number;
  const Number second = pool.lend("b", at(seconds(0))).number;
  const Number third = pool.lend("c", at(seconds(0))).number;
  pool.pools->release(pool.main, "b", at(seconds(10)));
  pool.pools->release(pool.main, "c", at(seconds(20)));
  pool.pools->release(pool.main, "a", at(seconds(30)));
  CHECK(pool.lend("x", at(hours(1))).number == second);
  CHECK(pool.lend("y", at(hours(1))).number == third);
  CHECK(pool.lend("z", at(hours(1))).number == first);
}

TEST_CASE("a pool is not exhausted while a number rests out of order and its hold is over") {
  OnePool pool(2);
  const Number first = pool.lend("a", at(seconds(0))).number;
  pool.lend("b", at(seconds(0)));
  pool.pools->release(pool.main, "a", at(seconds(0)));
  pool.reserve("a", at(seconds(0)), seconds(1));
  pool.pools->release(pool.main, "b", at(seconds(2)));
  REQUIRE(pool.counts(at(seconds(151))).free == 1);
  const Reservation late = pool.lend("c", at(seconds(151)));
  CHECK(late.outcome == ReserveOutcome::kReserved);
  CHECK(late.number == first);
  CHECK(late.idle == seconds(150));
  CHECK(late.out_of_turn);
  CHECK(pool.lend("d", at(seconds(151))).outcome == ReserveOutcome::kFallback);
  CHECK_FALSE(pool.lend("d", at(seconds(152))).out_of_turn);
}

TEST_CASE("leases that nobody ended by hand end in the order of their expiry") {
  OnePool pool(2);
  const Number late = pool.lend("a", at(seconds(0)), minutes(20)).number;
  const Number early = pool.lend("b", at(seconds(0)), minutes(10)).number;
  CHECK(pool.lend("x", at(hours(2))).number == early);
  CHECK(pool.lend("y", at(hours(2))).number == late);
}

TEST_CASE("a visit that comes back in the hold has its lease back") {
  OnePool pool(2);
  const Reservation first = pool.lend("a", at(seconds(0)), minutes(1));
  const Reservation back = pool.lend("a", at(minutes(2)), minutes(1));
  CHECK(back.outcome == ReserveOutcome::kHeld);
  CHECK(back.ticket == first.ticket);
  CHECK(back.start == at(seconds(0)));
  CHECK(back.expire == at(minutes(3)));
  CHECK(pool.counts(at(minutes(2))).leased == 1);
}

TEST_CASE("a visit whose lease ended later than the clock says has it back until then at least") {
  // The store's word of another machine, whose clock was ahead.
  OnePool pool(2);
  const Reservation first = pool.lend("a", at(seconds(0)));
  REQUIRE(pool.pools->release(pool.main, "a", at(seconds(100))));
  const Reservation back = pool.lend("a", at(seconds(50)), seconds(10));
  CHECK(back.outcome == ReserveOutcome::kHeld);
  CHECK(back.number == first.number);
  CHECK(back.expire == at(seconds(100)));
}

TEST_CASE("a returning visitor gets the former number while nobody else had it") {
  OnePool pool(3);
  const VisitView monday{"monday", "ann", "google/cpc", ""};
  const VisitView tuesday{"tuesday", "ann", "mail", ""};
  pool.lend("filler", at(seconds(0)), minutes(1));
  const Number former = pool.lend(monday, at(seconds(0)), minutes(2)).number;

  SECTION("out of the middle of the free order") {
    pool.lend("filler2", at(seconds(0)), minutes(3));
    const Reservation back = pool.lend(tuesday, at(hours(20)));
    CHECK(back.number == former);
    CHECK(back.sticky);
    CHECK(back.outcome == ReserveOutcome::kReserved);
    CHECK(pool.pools->totals(pool.main).sticky == 1);
  }
  SECTION("during its hold") { CHECK(pool.lend(tuesday, at(minutes(3))).number == former); }
  SECTION("but not when another visit has had it since") {
    for (const char* other : {"x", "y", "z"}) pool.lend(other, at(hours(1)), minutes(1));
    const Reservation back = pool.lend(tuesday, at(hours(20)));
    CHECK_FALSE(back.sticky);
  }
  SECTION("but not while the former visit still holds it") {
    CHECK(pool.lend(tuesday, at(minutes(1))).number != former);
  }
}

TEST_CASE("an exhausted pool shows a fallback number or nothing, never a shared number") {
  PoolConfig config = pool_config(1);
  config.source_fallbacks = {{*Number::from_digits(78000000002ULL), Source::cut("mail")}};
  SECTION("the pool's, or the source's own") {
    OnePool pool(config);
    pool.lend("a", at(seconds(0)));
    const Reservation other = pool.lend("b", at(seconds(1)));
    CHECK(other.outcome == ReserveOutcome::kFallback);
    CHECK(other.number == config.fallback);
    CHECK(pool.lend(VisitView{"c", "", "mail", ""}, at(seconds(1))).number ==
          config.source_fallbacks[0].number);
    CHECK(pool.pools->totals(pool.main).fallbacks == 2);
  }
  SECTION("nothing, by configuration") {
    config.on_exhausted = OnExhausted::kRefuse;
    OnePool pool(config);
    pool.lend("a", at(seconds(0)));
    const Reservation other = pool.lend("b", at(seconds(1)));
    CHECK(other.outcome == ReserveOutcome::kRefused);
    CHECK_FALSE(other.number);
    CHECK(pool.pools->totals(pool.main).refusals == 1);
  }
}

TEST_CASE("the last numbers are kept for valuable visits, and bots get none") {
  PoolConfig config = pool_config(2);
  config.valuable_reserve = 1;
  OnePool pool(config);
  CHECK(pool.lend("a", at(seconds(0))).outcome == ReserveOutcome::kReserved);
  CHECK(pool.lend("b", at(seconds(0))).outcome == ReserveOutcome::kFallback);
  const VisitView bot{"bot", "", "crawl", ""};
  CHECK(pool.lend(bot, at(seconds(0)), minutes(1), AdmissionClass::kBot).outcome ==
        ReserveOutcome::kFallback);
  const VisitView paid{"c", "", "google/cpc", ""};
  CHECK(pool.lend(paid, at(seconds(0)), minutes(1), AdmissionClass::kValuable).outcome ==
        ReserveOutcome::kReserved);
  CHECK(pool.pools->totals(pool.main).bots == 1);
}

TEST_CASE("a renewal extends, never shortens, and revives in the hold only") {
  OnePool pool(1);
  pool.lend("a", at(seconds(0)), minutes(10));
  const auto longer = pool.pools->renew(pool.main, "a", at(minutes(15)), at(minutes(1)));
  REQUIRE(longer);
  CHECK(longer->expire == at(minutes(15)));
  CHECK(pool.pools->renew(pool.main, "a", at(minutes(12)), at(minutes(2)))->expire == at(minutes(15)));

  const auto revived = pool.pools->renew(pool.main, "a", at(minutes(20)), at(minutes(16)));
  REQUIRE(revived);
  CHECK(revived->live);
  CHECK(revived->start == at(seconds(0)));
  CHECK_FALSE(pool.pools->renew(pool.main, "a", at(minutes(40)), at(minutes(23))));
  CHECK_FALSE(pool.pools->renew(pool.main, "b", at(minutes(40)), at(minutes(23))));
}

TEST_CASE("advance tells each lease that ended by time once, in as many portions as asked for") {
  OnePool pool(3);
  pool.lend("a", at(seconds(0)), minutes(1));
  pool.lend("b", at(seconds(0)), minutes(2));
  pool.lend("c", at(seconds(0)), minutes(30));
  std::array<LeaseView, 1> one;
  REQUIRE(pool.pools->advance(at(minutes(3)), one) == 1);
  CHECK(one[0].visit.view() == "a");
  CHECK(one[0].expire == at(minutes(1)));
  CHECK_FALSE(one[0].live);
  REQUIRE(pool.pools->advance(at(minutes(3)), one) == 1);
  CHECK(one[0].visit.view() == "b");
  CHECK(pool.pools->advance(at(minutes(3)), one) == 0);
  CHECK(pool.pools->totals(pool.main).expiries == 2);
}

TEST_CASE("a lease that was revived before anybody was told of its end is not told") {
  OnePool pool(1);
  pool.lend("a", at(seconds(0)), minutes(1));
  pool.pools->renew(pool.main, "a", at(minutes(5)), at(minutes(2)));
  std::array<LeaseView, 4> ended;
  CHECK(pool.pools->advance(at(minutes(2)), ended) == 0);
}

TEST_CASE("a number held back goes to nobody until its hold is over") {
  OnePool pool(2);
  const Reservation made = pool.reserve("a", at(hours(1)));
  REQUIRE(pool.pools->hold_back(made.ticket, at(hours(1))));
  CHECK_FALSE(pool.pools->commit(made.ticket, true, at(hours(1))));
  CHECK(pool.lend("a", at(hours(1))).number != made.number);
  CHECK(pool.lend("b", at(hours(1))).outcome == ReserveOutcome::kFallback);
  CHECK(pool.lend("b", at(hours(1) + seconds(150))).number == made.number);
}

TEST_CASE("a number held back does not go back to who had it before either") {
  OnePool pool(2);
  const Number first = pool.lend(VisitView{"a", "visitor", "s", ""}, at(seconds(0))).number;
  pool.pools->release(pool.main, "a", at(seconds(10)));
  const Reservation again = pool.reserve(VisitView{"a", "visitor", "s", ""}, at(minutes(10)));
  REQUIRE(again.number == first);
  REQUIRE(pool.pools->hold_back(again.ticket, at(minutes(10))));
  CHECK_FALSE(pool.pools->find_lease(pool.main, "a", at(minutes(11))));
  CHECK_FALSE(pool.pools->renew(pool.main, "a", at(hours(1)), at(minutes(11))));
  CHECK(pool.lend(VisitView{"b", "visitor", "s", ""}, at(minutes(11))).number != first);
  CHECK(pool.lend(VisitView{"a", "visitor", "s", ""}, at(minutes(11))).outcome == ReserveOutcome::kFallback);
  CHECK(pool.lend("c", at(minutes(13))).number == first);
}

TEST_CASE("a number held back out of order is free for everybody when its hold is over") {
  PoolConfig config = pool_config(2);
  config.valuable_reserve = 1;
  OnePool pool(config);
  const Number first = pool.lend("a", at(seconds(0))).number;
  pool.pools->release(pool.main, "a", at(seconds(10)));
  const Time over = at(seconds(200));
  CHECK(pool.counts(over).free == 2);
  const Reservation again = pool.reserve("a", over);
  REQUIRE(again.number == first);
  REQUIRE(pool.pools->hold_back(again.ticket, over));
  CHECK(pool.counts(over + seconds(149)).held == 1);
  CHECK(pool.reserve("b", over + seconds(149)).outcome == ReserveOutcome::kFallback);

  CHECK(pool.counts(over + seconds(150)).free == 2);
  CHECK(pool.reserve("c", over + seconds(150)).outcome == ReserveOutcome::kReserved);
}

TEST_CASE("the store's word counts only for the lease as it stands") {
  OnePool pool(1);
  const Reservation made = pool.reserve("a", at(seconds(0)));
  pool.pools->commit(made.ticket, false, at(seconds(0)));
  CHECK(pool.counts(at(seconds(0))).nondurable == 1);
  pool.pools->renew(pool.main, "a", at(hours(1)), at(seconds(5)));
  pool.pools->set_durable(made.ticket, made.expire, true);
  CHECK(pool.counts(at(seconds(5))).nondurable == 1);
  pool.pools->set_durable(made.ticket, at(hours(1)), true);
  CHECK(pool.counts(at(seconds(5))).nondurable == 0);

  pool.pools->release(pool.main, "a", at(seconds(9)));
  std::array<LeaseView, 4> out;
  std::uint32_t from = 0;
  REQUIRE(pool.pools->scan(pool.main, from, true, out) == 1);
  CHECK(out[0].expire == at(seconds(9)));
  pool.pools->set_durable(made.ticket, at(seconds(9)), true);
  from = 0;
  CHECK(pool.pools->scan(pool.main, from, true, out) == 0);
  from = 0;
  CHECK(pool.pools->scan(pool.main, from, false, out) == 1);
}

TEST_CASE("a drained number finishes its lease and hold and then goes to nobody") {
  OnePool pool(1);
  const Number only = pool.lend("a", at(seconds(0)), minutes(1)).number;
  CHECK(pool.pools->drain_numbers(pool.main, {&only, 1}) == 1);
  CHECK(pool.pools->drain_numbers(pool.main, {&only, 1}) == 0);
  CHECK(pool.resolve(only, at(seconds(1))).method == ResolutionMethod::kActiveLease);
  CHECK(pool.pools->renew(pool.main, "a", at(minutes(2)), at(seconds(30))));
  CHECK(pool.counts(at(minutes(3))).held == 1);
  CHECK(pool.counts(at(hours(1))).drained == 1);
  CHECK(pool.lend("b", at(hours(1))).outcome == ReserveOutcome::kFallback);
  CHECK(pool.resolve(only, at(hours(1))).visit.view() == "a");

  CHECK(pool.pools->add_numbers(pool.main, {&only, 1}) == 1);
  CHECK(pool.lend("b", at(hours(1))).number == only);
}

TEST_CASE("numbers are added up to the room fixed at start, and never twice") {
  OnePool pool(1);
  std::vector<Number> more;
  for (std::uint64_t i = 0; i < 2000; ++i) more.push_back(number(i));
  more.push_back(*Number::from_digits(78000000001ULL));
  CHECK(pool.pools->add_numbers(pool.main, more) == 1024);
  CHECK(pool.counts(at(seconds(0))).total == 1025);
}

TEST_CASE("a visit id that is none holds nothing") {
  OnePool pool(1);
  for (const std::string& id :
       {std::string(), std::string(129, 'x'), std::string("a\nb"), std::string(9, '\0')}) {
    CHECK(pool.reserve(id, at(seconds(0))).outcome == ReserveOutcome::kRefused);
    CHECK_FALSE(pool.pools->renew(pool.main, id, at(hours(1)), at(seconds(0))));
    CHECK_FALSE(pool.pools->release(pool.main, id, at(seconds(0))));
    CHECK_FALSE(pool.pools->find_lease(pool.main, id, at(seconds(0))));
    const StoredLease stored{number(0), {id, "", "", ""}, at(seconds(0)), at(hours(1)), std::nullopt};
    CHECK(pool.pools->restore(pool.main, stored, at(seconds(1))) == RestoreOutcome::kForeign);
  }
  CHECK(pool.counts(at(seconds(0))).free == 1);
}

TEST_CASE("visit ids of every length are kept whole, also in the call's answer") {
  OnePool pool(128);
  for (std::size_t size = 1; size <= 128; ++size) {
    const std::string id = std::string(size - 1, 'v') + static_cast<char>('!' + size % 90);
    const Number lent = pool.lend(id, at(seconds(0))).number;
    CHECK(pool.resolve(lent, at(seconds(1))).visit.view() == id);
    CHECK(pool.pools->find_lease(pool.main, id, at(seconds(1)))->visit.view() == id);
  }
}

TEST_CASE("leases by source are counted") {
  PoolConfig config = pool_config(1100);
  OnePool pool(config);
  for (int i = 0; i < 1100; ++i) {
    const std::string text = "source-" + std::to_string(i);
    pool.lend(VisitView{text, "", text, ""}, at(seconds(0)));
  }
  pool.lend(VisitView{"source-0", "", "source-0", ""}, at(seconds(1)));
  std::vector<ShownCount> shown(2000);
  const std::size_t count = pool.pools->shown(pool.main, shown);
  REQUIRE(count == 1100);
  std::map<std::string, std::uint64_t> counts;
  for (std::size_t i = 0; i < count; ++i) counts[shown[i].source.to_string()] = shown[i].shown;
  CHECK(counts["source-0"] == 1);
  CHECK(counts["source-1099"] == 1);
}

TEST_CASE("attributes stay while there is room, the oldest going first") {
  PoolsConfig config = config_of({pool_config(3)});
  config.attribute_bytes = 256;
  const auto pools = make(config);
  const auto lend = [&](std::string_view visit, const std::string& attributes) {
    const Reservation made =
        pools->reserve({}, {visit, "", "", attributes}, minutes(1), AdmissionClass::kNormal, at(seconds(0)));
    pools->commit(made.ticket, true, at(seconds(0)));
    return made.number;
  };
  const Number a = lend("a", std::string(60, 'a'));
  CHECK(pools->attributes(a, VisitId::cut("a")) == std::string(60, 'a'));
  CHECK_FALSE(pools->attributes(a, VisitId::cut("b")));
  const Number b = lend("b", std::string(70, 'b'));
  CHECK(pools->attributes(b, VisitId::cut("b")) == std::string(70, 'b'));
  CHECK_FALSE(pools->attributes(a, VisitId::cut("a")));
  const Number c = lend("c", std::string(301, 'c'));
  CHECK_FALSE(pools->attributes(c, VisitId::cut("c")));
  CHECK(pools->totals({}).attributes_dropped == 1);
}

}  // namespace
}  // namespace ringtrace::pool::testing
