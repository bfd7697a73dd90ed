#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/pool/page_pool.h"
#include "tests/pool/plain_pool.h"
#include "tests/pool/proofs.h"
#include "tests/pool/small_pool.h"

namespace ringtrace::pool::testing {

/// The pool, the plain one and the one on a page, told the same. The page is asked when all is on it: no
/// visitors, no numbers kept for the valuable or that come and go, no lease committed after its end.
struct MachineRun {
  MachineRun(const PoolConfig& config, bool on_page)
      : small(config),
        plain(config.numbers.size(), config.hold.count(), config.valuable_reserve),
        numbers(config.numbers),
        tickets(config.numbers.size()) {
    if (on_page) page = PagePool{std::vector<PagePool::Place>(numbers.size()), config.hold};
  }

  SmallPool<std::atomic, 8> small;
  LendingPool<std::atomic>& pool = small.pool;
  PlainPool plain;
  std::optional<PagePool> page;
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

  void told(Told::Operation operation, const std::string& visit, Time end, const Ticket& ticket, bool done,
            Time granted = {}, ReserveOutcome outcome = ReserveOutcome::kRefused) {
    if (page) RC_ASSERT(page->allows({operation, visit, now, end, ticket, outcome, done, granted}));
  }

  void reserve(int visit, Duration ttl, bool valuable) {
    const std::string browser = page ? "" : "b" + std::to_string(visit % 3);
    const std::string name = id(visit);
    const Reservation made = pool.reserve(
        {name, browser, "s", ""}, ttl, valuable ? AdmissionClass::kValuable : AdmissionClass::kNormal, now);
    const auto should = plain.reserve(id(visit), browser, valuable, ttl.count(), time(), index(made.number));
    RC_ASSERT(made.outcome == should.outcome);
    told(Told::kReserve, name, now + ttl, made.ticket, true, made.expire, made.outcome);
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
    const Ticket ticket = tickets[n].first;
    const std::uint64_t plain_ticket = tickets[n].second;
    if (plain_ticket == 0) return;
    const auto& reserved = plain.places[n].pending;
    const bool late = reserved.ticket == plain_ticket && reserved.end <= time();
    if (how > 1 && page && late) how = 0;
    const auto decided = [&](Told::Operation operation, bool done, bool should) {
      RC_ASSERT(done == should);
      told(operation, "", now, ticket, done);
    };
    if (how == 0) decided(Told::kCancel, pool.cancel(ticket, now), plain.cancel(n, plain_ticket, time()));
    if (how == 1)
      decided(Told::kHoldBack, pool.hold_back(ticket, now), plain.hold_back(n, plain_ticket, time()));
    if (how > 1)
      decided(Told::kCommit, pool.commit(ticket, true, now), plain.commit(n, plain_ticket, time()));
  }

  void renew(int visit, Duration ttl) {
    const auto lease = pool.renew(id(visit), now + ttl, now);
    const auto shown = lease ? index(lease->number) : std::nullopt;
    const auto should = plain.renew(id(visit), time() + ttl.count(), time(), shown);
    RC_ASSERT(shown == should);
    told(Told::kRenew, id(visit), now + ttl, lease ? lease->ticket : Ticket{}, lease.has_value(),
         lease ? lease->expire : Time{});
    if (lease) RC_ASSERT(lease->expire.time_since_epoch().count() == plain.places[*should].last->end);
  }

  void release(int visit) {
    const auto lease = pool.release(id(visit), now);
    RC_ASSERT((lease ? index(lease->number) : std::nullopt) == plain.release(id(visit), time()));
    told(Told::kRelease, id(visit), now, lease ? lease->ticket : Ticket{}, lease.has_value());
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
    if (!page) return;
    told(Told::kAdvance, "", now, {}, true);
    for (std::size_t n = 0; n < numbers.size(); ++n) {
      RC_ASSERT(page->places[n].leased == (plain.places[n].state == State::kLeased));
      RC_ASSERT(page->places[n].reserved.has_value() == (plain.places[n].state == State::kReserved));
    }
  }
};

/// What RapidCheck ran, and whether all of it came out as the models say.
struct Machine {
  std::uint64_t runs = 0;
  std::uint64_t steps = 0;
  std::uint64_t on_page = 0;  // of the steps: with the pool on a page beside
  bool right = false;

  Found found() const { return {runs, steps, right ? "" : "the pool answers otherwise than a model"}; }
};

/// RapidCheck says on standard error how to run a failure again, after the shortest sequence that fails:
/// RC_PARAMS="reproduce=...". RC_PARAMS="max_success=N" runs N sequences.
inline Machine run_state_machine() {
  Machine machine;
  machine.right = rc::check("the pool answers as the models do", [&machine] {
    const auto size = *rc::gen::inRange<std::size_t>(1, 6);
    const bool all_on_page = *rc::gen::arbitrary<bool>();
    PoolConfig config = pool_config(size);
    config.hold = seconds(*rc::gen::element(0, 5, 60));
    config.valuable_reserve = all_on_page ? 0 : *rc::gen::inRange<std::size_t>(0, 3);
    MachineRun run(config, all_on_page);
    const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
        rc::gen::tuple(rc::gen::inRange(0, 12), rc::gen::inRange(0, 9), rc::gen::inRange(1, 40)));
    ++machine.runs;
    for (const auto& [action, which, amount] : steps) {
      ++machine.steps;
      machine.on_page += all_on_page ? 1 : 0;
      const std::size_t n = static_cast<std::size_t>(which) % run.numbers.size();
      if (action < 4) {
        run.reserve(which, seconds(amount), amount % 4 == 0);
      } else if (action < 7) {
        run.decide(n, amount % 6);
      } else if (action == 7) {
        run.renew(which, seconds(amount));
      } else if (action == 8) {
        run.release(which);
      } else if (action == 9 && !all_on_page) {
        run.drain_or_add(n, amount % 3);
      } else {
        run.now += seconds(amount);
      }
      run.check();
    }
  });
  return machine;
}

}  // namespace ringtrace::pool::testing
