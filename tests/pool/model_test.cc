#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "tests/pool/counted.h"
#include "tests/pool/plain_pool.h"
#include "tests/pool/small_pool.h"

namespace ringtrace::pool::testing {
namespace {

/// The pool and the plain one, told the same.
struct Run {
  Run(const PoolConfig& config, std::size_t reserve)
      : small(config),
        plain(config.numbers.size(), config.hold.count(), reserve),
        numbers(config.numbers),
        tickets(config.numbers.size()) {}

  SmallPool<std::atomic, 8> small;
  LendingPool<std::atomic>& pool = small.pool;
  PlainPool plain;
  std::vector<Number> numbers;
  std::vector<std::pair<Ticket, std::uint64_t>> tickets;  // the latest of each number, and the plain pool's
  Time now = at(hours(1));

  static std::string id(int visit) { return "v" + std::to_string(visit); }
  std::int64_t time() const { return now.time_since_epoch().count(); }
  std::optional<std::size_t> index(Number n) const {
    const auto found = std::find(numbers.begin(), numbers.end(), n);
    if (found == numbers.end()) return std::nullopt;
    return static_cast<std::size_t>(found - numbers.begin());
  }

  void reserve(int visit, Duration ttl, bool valuable) {
    const std::string browser = "b" + std::to_string(visit % 3);
    const std::string name = id(visit);
    const Reservation made = pool.reserve(
        {name, browser, "s", ""}, ttl, valuable ? AdmissionClass::kValuable : AdmissionClass::kNormal, now);
    const auto should = plain.reserve(id(visit), browser, valuable, ttl.count(), time(), index(made.number));
    RC_ASSERT(made.outcome == should.outcome);
    if (made.outcome == ReserveOutcome::kFallback) return;
    RC_ASSERT(index(made.number) == should.number);
    RC_ASSERT(made.start.time_since_epoch().count() == should.start);
    RC_ASSERT(made.expire.time_since_epoch().count() == should.expire);
    if (made.outcome == ReserveOutcome::kReserved) {
      RC_ASSERT(made.idle.value_or(now.time_since_epoch()).count() == time() - should.idle_since);
    }
    tickets[should.number] = {made.ticket, should.ticket};
  }

  void decide(std::size_t n, int how) {
    const auto& [ticket, plain_ticket] = tickets[n];
    if (plain_ticket == 0) return;
    if (how == 0) RC_ASSERT(pool.cancel(ticket, now) == plain.cancel(n, plain_ticket, time()));
    if (how == 1) RC_ASSERT(pool.hold_back(ticket, now) == plain.hold_back(n, plain_ticket, time()));
    if (how > 1) RC_ASSERT(pool.commit(ticket, true, now) == plain.commit(n, plain_ticket, time()));
  }

  void renew(int visit, Duration ttl) {
    const auto lease = pool.renew(id(visit), now + ttl, now);
    const auto shown = lease ? index(lease->number) : std::nullopt;
    const auto should = plain.renew(id(visit), time() + ttl.count(), time(), shown);
    RC_ASSERT(shown == should);
    if (lease) RC_ASSERT(lease->expire.time_since_epoch().count() == plain.places[*should].last->end);
  }

  void release(int visit) {
    const auto lease = pool.release(id(visit), now);
    RC_ASSERT((lease ? index(lease->number) : std::nullopt) == plain.release(id(visit), time()));
  }

  void drain_or_add(std::size_t n, int how) {
    if (how == 0) RC_ASSERT(pool.drain(static_cast<std::uint32_t>(n)) == plain.drain(n));
    if (how == 1) RC_ASSERT(pool.undrain(static_cast<std::uint32_t>(n)) == plain.undrain(n));
    if (how != 2 || numbers.size() == 8) return;
    numbers.push_back(number(numbers.size()));
    RC_ASSERT(pool.add_number(numbers.back()) == numbers.size() - 1);
    plain.add_number();
    tickets.emplace_back();
  }

  void check() {
    using State = PlainPool::State;
    const PoolCounts counts = pool.counts(now);
    plain.settle(time());
    PoolCounts should;
    for (std::size_t n = 0; n < numbers.size(); ++n) {
      const PlainPool::Place& place = plain.places[n];
      const bool over = plain.is_free(n, time());
      should.leased += place.state == State::kLeased ? 1U : 0U;
      should.reserved += place.state == State::kReserved ? 1U : 0U;
      should.held += place.state == State::kHeld && !over ? 1U : 0U;
      should.free += over ? 1U : 0U;
      Resolution who;
      pool.holders(static_cast<std::uint32_t>(n), now, who);
      RC_ASSERT((who.candidate_count > 0) == place.last.has_value());
      if (who.candidate_count == 0) continue;
      const Candidate& last = who.candidates().front();
      RC_ASSERT(last.visit.view() == place.last->visit);
      RC_ASSERT(last.shown.time_since_epoch().count() == place.last->start);
      RC_ASSERT(last.end.time_since_epoch().count() == place.last->end);
    }
    RC_ASSERT(counts.total == numbers.size());
    RC_ASSERT(counts.leased == should.leased);
    RC_ASSERT(counts.reserved == should.reserved);
    RC_ASSERT(counts.held == should.held);
    RC_ASSERT(counts.held + counts.free + counts.drained == should.held + should.free);
  }
};

TEST_CASE("whatever is asked in whatever order, the pool does what the plain pool does") {
  // RapidCheck prints the seed and the shortest failing sequence; RC_PARAMS="seed=..." runs it again.
  std::uint64_t steps_run = 0, runs = 0;
  const bool right = rc::check("the pool does what the plain pool does", [&] {
    const auto size = *rc::gen::inRange<std::size_t>(1, 6);
    PoolConfig config = pool_config(size);
    config.hold = seconds(*rc::gen::element(0, 5, 60));
    config.valuable_reserve = *rc::gen::inRange<std::size_t>(0, 3);
    Run run(config, config.valuable_reserve);
    const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
        rc::gen::tuple(rc::gen::inRange(0, 12), rc::gen::inRange(0, 9), rc::gen::inRange(1, 40)));
    ++runs;
    for (const auto& [action, which, amount] : steps) {
      ++steps_run;
      const std::size_t n = static_cast<std::size_t>(which) % run.numbers.size();
      if (action < 4) {
        run.reserve(which, seconds(amount), amount % 4 == 0);
      } else if (action < 7) {
        run.decide(n, amount % 6);
      } else if (action == 7) {
        run.renew(which, seconds(amount));
      } else if (action == 8) {
        run.release(which);
      } else if (action == 9) {
        run.drain_or_add(n, amount % 3);
      } else {
        run.now += seconds(amount);
      }
      run.check();
    }
  });
  counted("state machine: " + std::to_string(runs) + " sequences, " + std::to_string(steps_run) +
          " operations against the plain pool");
  CHECK(right);
}

}  // namespace
}  // namespace ringtrace::pool::testing
