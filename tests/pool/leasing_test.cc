#include "pool/leasing.h"

#include <catch2/catch.hpp>

#include "tests/pool/model_store.h"
#include "tests/pool/pool_fixture.h"

namespace ringtrace::pool::testing {
namespace {

using Mode = ModelStore::Mode;

struct TestClock : Clock {
  Time time = at(hours(1));
  Time now() const override { return time; }
};

/// Leases over a pool of some numbers and a store the test steps by hand.
struct Desk {
  explicit Desk(std::size_t numbers, Durability durability = Durability::kAvailable) {
    PoolConfig config = pool_config(numbers);
    config.durability = durability;
    pools = make(config_of({config}));
    leasing = std::make_unique<Leasing>(*pools, &store, clock);
  }

  /// Asks without waiting; the answer comes into the returned list.
  std::shared_ptr<std::vector<LeaseAnswer>> ask(std::string_view visit, Duration ttl = minutes(30)) {
    auto answers = std::make_shared<std::vector<LeaseAnswer>>();
    leasing->lease({}, {visit, "", "google/cpc", "{}"}, ttl, AdmissionClass::kNormal,
                   [answers](const LeaseAnswer& answer) { answers->push_back(answer); });
    return answers;
  }

  LeaseAnswer lease(std::string_view visit, Duration ttl = minutes(30)) {
    const auto answers = ask(visit, ttl);
    store.run();
    REQUIRE(answers->size() == 1);
    return answers->front();
  }

  LeaseAnswer renew(std::string_view visit, Duration ttl = minutes(30)) {
    std::vector<LeaseAnswer> answers;
    leasing->renew({}, visit, ttl, [&](const LeaseAnswer& answer) { answers.push_back(answer); });
    store.run();
    REQUIRE(answers.size() == 1);
    return answers.front();
  }

  LeaseAnswer release(std::string_view visit) {
    std::vector<LeaseAnswer> answers;
    leasing->release({}, visit, [&](const LeaseAnswer& answer) { answers.push_back(answer); });
    store.run();
    REQUIRE(answers.size() == 1);
    return answers.front();
  }

  void replay() {
    while (leasing->replay(2) > 0) store.run();
  }

  TestClock clock;
  ModelStore store;
  std::unique_ptr<NumberPools> pools;
  std::unique_ptr<Leasing> leasing;
};

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

TEST_CASE("a renewal that overtakes a release in the store's line does not bring the lease back there") {
  Desk desk(1);
  desk.lease("a");
  desk.store.books.clear();
  desk.clock.time += seconds(1);
  std::vector<LeaseAnswer> answers;
  const auto hear = [&](const LeaseAnswer& answer) { answers.push_back(answer); };
  desk.leasing->renew({}, "a", minutes(60), hear);
  desk.leasing->release({}, "a", hear);
  desk.store.run();
  REQUIRE(answers.size() == 2);
  CHECK(desk.store.books.empty());
}

TEST_CASE("an end that reaches the store after the visit came back is made good") {
  Desk desk(1);
  desk.lease("a");
  desk.store.mode = Mode::kAway;
  desk.release("a");
  desk.store.mode = Mode::kUp;
  desk.leasing->replay(10);  // the end waits in line; meanwhile memory has the lease back
  desk.pools->renew({}, "a", desk.clock.time + minutes(40), desk.clock.time);
  desk.store.run();
  CHECK(desk.store.books.at(number(0)).expire == desk.clock.time + minutes(40));
  CHECK(desk.pools->find_lease({}, "a", desk.clock.time)->durable);
}

TEST_CASE("a holder of the outage whose number went on before the store was back is replayed too") {
  Desk desk(1);
  desk.store.mode = Mode::kAway;
  desk.lease("a", minutes(1));
  desk.clock.time += minutes(10);
  desk.lease("b", minutes(30));
  desk.store.mode = Mode::kUp;
  desk.replay();
  REQUIRE(desk.store.written.size() == 2);
  CHECK(desk.store.written[0].visit_id == "a");
  CHECK(desk.store.written[1].visit_id == "b");
  CHECK(desk.leasing->replay(100) == 0);
}

TEST_CASE("a pool that requires the store's word answers that there is none, and keeps what is in doubt") {
  Desk desk(1, Durability::kRequired);
  SECTION("not written: the number is free again") {
    desk.store.mode = Mode::kAway;
    CHECK(desk.lease("a").status == LeaseStatus::kStoreUnavailable);
    desk.store.mode = Mode::kUp;
    CHECK(desk.lease("b").status == LeaseStatus::kLeased);
  }
  SECTION("perhaps written: the number is nobody else's, and the visit's retry gets it") {
    desk.store.mode = GENERATE(Mode::kAnswerLost, Mode::kRequestLost);
    CHECK(desk.lease("a").status == LeaseStatus::kStoreUnavailable);
    desk.store.mode = Mode::kUp;
    CHECK(desk.lease("b").status == LeaseStatus::kFallback);
    const LeaseAnswer retry = desk.lease("a");
    CHECK(retry.status == LeaseStatus::kLeased);
    CHECK(retry.number == number(0));
    CHECK(retry.lease.durable);
  }
}

TEST_CASE("a write that arrives twice changes nothing more") {
  Desk desk(2);
  desk.store.mode = Mode::kTwice;
  const LeaseAnswer answer = desk.lease("a");
  CHECK(answer.status == LeaseStatus::kLeased);
  CHECK(desk.renew("a").status == LeaseStatus::kLeased);
  CHECK(desk.release("a").status == LeaseStatus::kLeased);
  CHECK(desk.store.books.size() == 1);
  CHECK(desk.pools->counts({}, desk.clock.time).held == 1);
}

TEST_CASE("a renewal is written, and written whole when the store has lost the lease") {
  Desk desk(1);
  desk.lease("a", minutes(5));
  desk.clock.time += minutes(1);
  CHECK(desk.renew("a", minutes(10)).lease.expire == desk.clock.time + minutes(10));
  CHECK(desk.store.books.at(number(0)).expire == desk.clock.time + minutes(10));

  desk.store.books.clear();
  desk.clock.time += minutes(1);
  const LeaseAnswer again = desk.renew("a", minutes(10));
  CHECK(again.status == LeaseStatus::kLeased);
  CHECK(again.lease.durable);
  CHECK(desk.store.books.at(number(0)).visit == "a");
  CHECK(desk.store.books.at(number(0)).start == at(hours(1)));
  CHECK(desk.renew("b").status == LeaseStatus::kNotFound);
}

TEST_CASE("a renewal that the store's books contradict stands in memory, and is noted down") {
  Desk desk(1);
  desk.lease("a", minutes(5));
  desk.store.books[number(0)].visit = "b";
  desk.clock.time += minutes(1);
  const LeaseAnswer answer = desk.renew("a", minutes(10));
  CHECK(answer.status == LeaseStatus::kLeased);
  CHECK_FALSE(answer.lease.durable);
  REQUIRE(desk.store.noted.size() == 1);
  CHECK(desk.store.noted[0].expire == desk.clock.time + minutes(10));
}

TEST_CASE("what ended by time while the store was away does not end what another gateway has extended") {
  Desk desk(1);
  desk.lease("a", minutes(5));
  desk.store.mode = Mode::kAway;
  desk.renew("a", minutes(6));
  desk.clock.time += minutes(7);
  desk.leasing->tick();
  desk.store.run();
  desk.store.mode = Mode::kUp;
  const Time extended = desk.clock.time + minutes(20);
  desk.store.books.at(number(0)).expire = extended;
  desk.replay();
  CHECK(desk.store.books.at(number(0)).expire == extended);
}

TEST_CASE("a renewal while the store is away stands in memory") {
  const Durability durability = GENERATE(Durability::kAvailable, Durability::kRequired);
  Desk desk(1, durability);
  desk.lease("a", minutes(5));
  desk.store.mode = Mode::kAway;
  const LeaseAnswer answer = desk.renew("a", minutes(30));
  CHECK(answer.status ==
        (durability == Durability::kAvailable ? LeaseStatus::kLeased : LeaseStatus::kStoreUnavailable));
  CHECK(desk.leasing->get({}, "a").lease.expire == desk.clock.time + minutes(30));
}

TEST_CASE("a release ends the lease in memory at once and may be repeated") {
  Desk desk(1);
  desk.lease("a");
  desk.clock.time += seconds(5);
  const LeaseAnswer answer = desk.release("a");
  CHECK(answer.status == LeaseStatus::kLeased);
  CHECK_FALSE(answer.lease.live);
  CHECK(desk.store.books.at(number(0)).expire == desk.clock.time);
  CHECK(desk.release("a").status == LeaseStatus::kLeased);
  CHECK(desk.release("b").status == LeaseStatus::kNotFound);
  CHECK(desk.leasing->get({}, "a").status == LeaseStatus::kNotFound);
  CHECK(desk.leasing->get({}, "a").lease.expire == desk.clock.time);
}

TEST_CASE("expired leases are told to the store, which may know of a longer life") {
  Desk desk(1);
  desk.lease("a", minutes(5));
  desk.clock.time += minutes(6);
  SECTION("it does not") {
    desk.leasing->tick();
    desk.store.run();
    REQUIRE(desk.store.ends.size() == 1);
    CHECK(desk.store.ends[0].end == at(hours(1) + minutes(5)));
    CHECK_FALSE(desk.pools->find_lease({}, "a", desk.clock.time)->live);
  }
  SECTION("it does") {
    desk.store.books.at(number(0)).expire = desk.clock.time + minutes(9);
    desk.leasing->tick();
    desk.store.run();
    CHECK(desk.pools->find_lease({}, "a", desk.clock.time)->live);
    CHECK(desk.pools->find_lease({}, "a", desk.clock.time)->expire == desk.clock.time + minutes(9));
  }
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
