#include "tests/pool/leasing_desk.h"

namespace ringtrace::pool::testing {
namespace {

TEST_CASE("a lease is answered, and visible to calls, when the store has it and not before") {
  Desk desk(2);
  const auto answers = desk.ask("a");
  CHECK(answers->empty());
  CHECK(desk.leasing->totals().waiting == 1);
  CHECK(desk.pools->resolve({number(0), {}, desk.clock.time}).method == ResolutionMethod::kNone);
  desk.store.run();
  REQUIRE(answers->size() == 1);
  CHECK(answers->front().status == LeaseStatus::kLeased);
  CHECK(answers->front().lease.durable);
  CHECK(desk.store.books.at(answers->front().number).visit == "a");
  CHECK(desk.store.written.at(0).attributes == "{}");
  CHECK(desk.pools->resolve({answers->front().number, {}, desk.clock.time}).visit.view() == "a");
  CHECK(desk.leasing->totals().waiting == 0);
  CHECK(desk.leasing->totals().durable == 1);
}

TEST_CASE("without a store leases are in memory only, and say so") {
  Desk desk(1);
  Leasing alone(*desk.pools, nullptr, desk.clock);
  LeaseAnswer answer;
  alone.lease({}, {"a", "", "", ""}, std::nullopt, AdmissionClass::kNormal,
              [&](const LeaseAnswer& given) { answer = given; });
  CHECK(answer.status == LeaseStatus::kLeased);
  CHECK_FALSE(answer.lease.durable);
  CHECK(answer.lease.expire == desk.clock.time + minutes(30));
  CHECK(alone.get({}, "a").status == LeaseStatus::kLeased);
  CHECK(alone.get({}, "b").status == LeaseStatus::kNotFound);
}

TEST_CASE("requests of one visit that meet in flight are one write and one answer") {
  Desk desk(3);
  const auto first = desk.ask("a");
  const auto second = desk.ask("a");
  const auto third = desk.ask("a");
  CHECK(desk.store.waiting() == 1);
  CHECK(desk.leasing->totals().waiting == 3);
  SECTION("when the store has it") {
    desk.store.run();
    for (const auto& answers : {first, second, third}) {
      REQUIRE(answers->size() == 1);
      CHECK(answers->front().status == LeaseStatus::kLeased);
      CHECK(answers->front().number == first->front().number);
    }
    CHECK(desk.store.written.size() == 1);
  }
  SECTION("when the store has nothing and the pool needs its word") {
    Desk strict(3, Durability::kRequired);
    const auto one = strict.ask("a");
    const auto two = strict.ask("a");
    strict.store.mode = Mode::kAway;
    strict.store.run();
    CHECK(one->at(0).status == LeaseStatus::kStoreUnavailable);
    CHECK(two->at(0).status == LeaseStatus::kStoreUnavailable);
    CHECK(strict.pools->counts({}, strict.clock.time).free == 3);
  }
}

TEST_CASE("one that wants a later expiry than the one in flight is written once more") {
  Desk desk(3);
  const auto first = desk.ask("a", minutes(10));
  const auto second = desk.ask("a", minutes(40));
  const auto third = desk.ask("a", minutes(20));
  desk.store.run();
  CHECK(first->at(0).lease.expire == desk.clock.time + minutes(10));
  CHECK(second->at(0).lease.expire == desk.clock.time + minutes(40));
  CHECK(third->at(0).lease.expire == desk.clock.time + minutes(40));
  CHECK(desk.store.written.size() == 2);
  CHECK(desk.store.books.at(second->at(0).number).expire == desk.clock.time + minutes(40));
}

TEST_CASE("one whose lease a renewal extends meanwhile is told what the store has") {
  Desk desk(2, Durability::kRequired);
  desk.lease("a");
  desk.clock.time += minutes(10);
  const auto asked = desk.ask("a");
  std::vector<LeaseAnswer> renewals;
  desk.leasing->renew({}, "a", hours(1), [&](const LeaseAnswer& answer) { renewals.push_back(answer); });
  REQUIRE(desk.store.waiting() == 2);
  desk.store.step();
  REQUIRE(asked->size() == 1);
  CHECK(asked->front().lease.durable);
  CHECK(asked->front().lease.expire == desk.clock.time + minutes(30));
  desk.store.mode = Mode::kAway;
  desk.store.run();
  CHECK(renewals.at(0).status == LeaseStatus::kStoreUnavailable);
}

TEST_CASE("a number that is another's by the store's books is put aside and another one tried") {
  Desk desk(3);
  desk.store.books[number(0)] = {"stranger", desk.clock.time, desk.clock.time + hours(9), seconds(150)};
  const LeaseAnswer answer = desk.lease("a");
  CHECK(answer.status == LeaseStatus::kLeased);
  CHECK(answer.number == number(1));
  CHECK(desk.leasing->totals().conflicts == 1);
  CHECK(desk.lease("b").number == number(2));
  CHECK(desk.leasing->totals().conflicts == 1);
}

TEST_CASE(
    "a visit whose hold is over does not get its former number that is another's by the store's books") {
  Desk desk(2);
  const Number former = desk.lease("a", minutes(1)).number;
  desk.clock.time += minutes(10);
  desk.leasing->tick();
  desk.store.run();
  desk.store.books[former] = {"stranger", desk.clock.time, desk.clock.time + hours(9), seconds(150)};
  const LeaseAnswer answer = desk.lease("a");
  CHECK(answer.status == LeaseStatus::kLeased);
  CHECK(answer.number != former);
  CHECK(answer.lease.durable);
  CHECK(desk.store.noted.empty());
}

TEST_CASE("a visit keeps the number it shows though by the store's books it is another's") {
  Desk desk(3);
  desk.store.mode = Mode::kAway;
  const Number shown = desk.lease("a").number;
  desk.store.mode = Mode::kUp;
  desk.store.books[shown] = {"before", desk.clock.time, desk.clock.time + minutes(5), seconds(150)};
  const LeaseAnswer answer = desk.lease("a", minutes(40));
  CHECK(answer.number == shown);
  CHECK_FALSE(answer.lease.durable);
  CHECK(answer.lease.expire == desk.clock.time + minutes(40));
  REQUIRE_FALSE(desk.store.noted.empty());
  CHECK(desk.store.noted.back().expire == desk.clock.time + minutes(40));
}

TEST_CASE("not more than kMaxAttempts numbers are tried") {
  Desk desk(8);
  for (std::uint64_t i = 0; i < 8; ++i) {
    desk.store.books[number(i)] = {"stranger", desk.clock.time, desk.clock.time + hours(9), seconds(150)};
  }
  CHECK(desk.lease("a").status == LeaseStatus::kStoreUnavailable);
  CHECK(desk.leasing->totals().conflicts == Leasing::kMaxAttempts);
  CHECK(desk.pools->counts({}, desk.clock.time).reserved == 0);
}

TEST_CASE("a visit that the store knows under another number gets that one") {
  Desk desk(3);
  desk.store.books[number(2)] = {"a", desk.clock.time, desk.clock.time + minutes(5), seconds(150)};
  const LeaseAnswer answer = desk.lease("a");
  CHECK(answer.status == LeaseStatus::kLeased);
  CHECK(answer.number == number(2));
  CHECK(answer.lease.durable);
  CHECK(answer.lease.expire == desk.clock.time + minutes(30));
  CHECK(desk.pools->counts({}, desk.clock.time).leased == 1);
  CHECK(desk.pools->counts({}, desk.clock.time).free == 2);
}

TEST_CASE("a visit keeps what memory has lent it while the store has its former number in the hold") {
  Desk desk(3);
  desk.store.mode = Mode::kAway;
  const Number shown = desk.lease("a").number;
  desk.store.mode = Mode::kUp;
  desk.store.keeps_visits_in_hold = true;
  desk.store.books[number(2)] = {"a", desk.clock.time - minutes(9), desk.clock.time - minutes(1), minutes(5)};
  const LeaseAnswer answer = desk.lease("a", minutes(40));
  CHECK(answer.number == shown);
  CHECK_FALSE(answer.lease.durable);
  CHECK(desk.pools->resolve({shown, {}, desk.clock.time}).visit.view() == "a");
  CHECK(desk.store.noted.back().expire == desk.clock.time + minutes(40));
}

TEST_CASE("a visit keeps what memory has lent it while the store has it at a number that another shows") {
  Desk desk(3);
  desk.store.mode = Mode::kAway;
  REQUIRE(desk.lease("other").number == number(0));
  const Number shown = desk.lease("a").number;
  // Its books are old ones.
  desk.store.mode = Mode::kUp;
  desk.store.books[number(0)] = {"a", desk.clock.time, desk.clock.time + minutes(5), seconds(150)};
  const LeaseAnswer answer = desk.lease("a", minutes(40));
  CHECK(answer.number == shown);
  CHECK_FALSE(answer.lease.durable);
  CHECK(desk.pools->resolve({shown, {}, desk.clock.time}).visit.view() == "a");
  CHECK(desk.store.noted.back().expire == desk.clock.time + minutes(40));
}

TEST_CASE("a visit whose stored number memory has lent to another gets a number from memory, or none") {
  const Durability durability = GENERATE(Durability::kAvailable, Durability::kRequired);
  Desk desk(3, durability);
  REQUIRE(desk.lease("other").number == number(0));
  desk.store.books[number(0)] = {"a", desk.clock.time, desk.clock.time + minutes(5), seconds(150)};
  const LeaseAnswer answer = desk.lease("a");
  CHECK(desk.leasing->totals().conflicts == 1);
  if (durability == Durability::kAvailable) {
    CHECK(answer.status == LeaseStatus::kLeased);
    CHECK(answer.number != number(0));
    CHECK_FALSE(answer.lease.durable);
    // The store has not heard of it: the next process has to.
    REQUIRE(desk.store.noted.size() == 1);
    CHECK(desk.store.noted[0].number == answer.number);
    CHECK(desk.store.noted[0].expire == answer.lease.expire);
  } else {
    CHECK(answer.status == LeaseStatus::kStoreUnavailable);
    CHECK(desk.store.noted.empty());
  }
  CHECK(desk.pools->resolve({number(0), {}, desk.clock.time}).visit.view() == "other");
}

TEST_CASE(
    "with the store away leases go on from memory and are replayed, the ended ones first, when it is back") {
  Desk desk(4);
  const Mode trouble = GENERATE(Mode::kAway, Mode::kFull, Mode::kRequestLost, Mode::kAnswerLost);
  desk.store.mode = trouble;
  for (const char* visit : {"a", "b", "c"}) {
    const LeaseAnswer answer = desk.lease(visit);
    CHECK(answer.status == LeaseStatus::kLeased);
    CHECK_FALSE(answer.lease.durable);
    desk.clock.time += seconds(1);
  }
  desk.release("b");
  CHECK(desk.leasing->totals().nondurable == 4);
  CHECK(desk.pools->counts({}, desk.clock.time).nondurable == 2);

  desk.store.mode = Mode::kUp;
  desk.replay();
  CHECK(desk.pools->counts({}, desk.clock.time).nondurable == 0);
  CHECK(desk.leasing->totals().replayed == 3);
  CHECK(desk.leasing->replay(100) == 0);
  CHECK(desk.store.books.size() == 3);
  for (const auto& [number, held] : desk.store.books) {
    CHECK((held.expire == at(hours(1) + seconds(3))) == (held.visit == "b"));
  }
  if (trouble == Mode::kAway) {
    REQUIRE(desk.store.written.size() == 3);
    CHECK(desk.store.written[0].visit_id == "b");
    CHECK(desk.store.written[1].visit_id == "a");
    CHECK(desk.store.written[2].visit_id == "c");
  }
}

TEST_CASE(
    "a number and a visit whose last lease ended while the store was away are not taken for conflicts") {
  Desk desk(2);
  desk.lease("a");
  desk.store.mode = Mode::kAway;
  desk.release("a");
  desk.clock.time += minutes(10);
  desk.store.mode = Mode::kUp;
  SECTION("the number") {
    desk.lease("b");
    const LeaseAnswer answer = desk.lease("c");
    CHECK(answer.number == number(0));
    CHECK(answer.lease.durable);
    CHECK(desk.store.books.at(number(0)).visit == "c");
  }
  SECTION("the visit") {
    desk.store.mode = Mode::kAway;
    desk.lease("b");
    desk.lease("c");
    desk.release("b");
    desk.clock.time += minutes(10);
    desk.store.mode = Mode::kUp;
    const LeaseAnswer answer = desk.lease("a");
    CHECK(answer.number == number(1));
    CHECK(answer.lease.durable);
  }
  CHECK(desk.leasing->totals().conflicts == 0);
}

TEST_CASE("exhausted pools answer at once") {
  Desk desk(1);
  desk.lease("a");
  const LeaseAnswer answer = desk.lease("b");
  CHECK(answer.status == LeaseStatus::kFallback);
  CHECK(answer.number == *Number::from_digits(78000000001ULL));
  CHECK(desk.leasing->totals().waiting == 0);
}

TEST_CASE("too many requests waiting for the store are refused at once") {
  Desk desk(1);
  desk.ask("a");
  for (std::uint64_t i = 1; i < Leasing::kMaxWaiting; ++i) desk.ask("a");
  const auto refused = desk.ask("a");
  REQUIRE(refused->size() == 1);
  CHECK(refused->front().status == LeaseStatus::kBusy);
  CHECK(desk.leasing->totals().busy == 1);
  desk.store.run();
  CHECK(desk.leasing->totals().waiting == 0);
}

}  // namespace
}  // namespace ringtrace::pool::testing
