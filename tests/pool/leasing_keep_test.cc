#include "tests/pool/leasing_desk.h"

namespace ringtrace::pool::testing {
namespace {

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

}  // namespace
}  // namespace ringtrace::pool::testing
