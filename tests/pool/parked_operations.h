#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/pool/park_points.h"
#include "tests/pool/proofs.h"
#include "tests/pool/small_pool.h"

namespace ringtrace::pool::testing {

/// Operations in each of whose accesses one thread is stopped while two others lend and release: they must
/// get all of it done, and nothing may be lost when the stopped one goes on.
namespace parked {

using TestPool = SmallPool<DeterministicAtomic, 8>;

inline const Time kNow = at(hours(1));
inline constexpr int kLendings = 4;  // that each other thread must finish

/// What the threads that are not stopped do, with visits of their own; true when all of it was done.
template <typename Pool>
bool lend_and_release(Pool& pool, int who) {
  for (int i = 0; i < kLendings; ++i) {
    const std::string visit = "other " + std::to_string(who * 100 + i);
    const Reservation made = pool.reserve({visit, "", "s", ""}, hours(1), AdmissionClass::kNormal, kNow);
    if (made.outcome == ReserveOutcome::kFallback || !pool.commit(made.ticket, true, kNow)) return false;
    if (!pool.release(visit, kNow)) return false;
  }
  return true;
}

/// One operation that a thread is stopped in, on a pool prepared for it.
struct Operation {
  const char* name;
  std::function<void(TestPool&)> prepare;
  std::function<void(TestPool&)> run;
  Duration hold{0};
  std::size_t valuable_reserve = 0;
  std::size_t adds = 0;

  /// With a hold each lending needs a number of its own, so that only one other thread lends.
  bool holds() const { return hold > Duration(0); }
  std::size_t numbers() const { return holds() ? 7 : 4; }
};

inline Reservation reserve(TestPool& small, std::string_view visit, std::string_view visitor = "",
                           Time now = kNow, Duration ttl = hours(1)) {
  return small.pool.reserve({visit, visitor, "s", "attributes"}, ttl, AdmissionClass::kNormal, now);
}

inline void lend(TestPool& small, std::string_view visit, std::string_view visitor = "", Time now = kNow,
                 Duration ttl = hours(1)) {
  small.pool.commit(reserve(small, visit, visitor, now, ttl).ticket, true, now);
}

/// Of seven numbers five that came back in their hold and left their entries in the queue before one whose
/// hold is not over, and whose own is: there is nothing to lend but out of turn.
inline void leave_only_stragglers(TestPool& small) {
  const Time before = kNow - seconds(62);
  const auto visit = [](int i) { return "straggler " + std::to_string(i); };
  for (int i = 0; i < 5; ++i) lend(small, visit(i), "", before);
  lend(small, "last", "", before);
  lend(small, "stays", "", before);
  for (int i = 0; i < 5; ++i) small.pool.release(visit(i), before);
  for (int i = 0; i < 5; ++i) reserve(small, visit(i), "", before, seconds(1));
  small.pool.release("last", kNow - seconds(30));
}

inline std::vector<Operation> operations() {
  const auto nothing = [](TestPool&) {};
  const auto leased = [](TestPool& small) { lend(small, "own"); };
  const auto held = [](TestPool& small) {
    lend(small, "own", "browser");
    small.pool.release("own", kNow);
  };
  const auto reserved = [](TestPool& small) { reserve(small, "own"); };
  const auto due = [](TestPool& small) { lend(small, "own", "", kNow - minutes(1), seconds(30)); };
  const auto reserved_again = [](TestPool& small) {
    lend(small, "own", "browser", kNow - minutes(1), seconds(30));
    reserve(small, "own", "browser");
  };
  const auto ticket = [](TestPool& small) { return reserve(small, "own").ticket; };
  const auto stored = [](std::uint32_t slot, bool live) {
    return [slot, live](TestPool& small) {
      const StoredLease lease{number(slot),
                              {"stored", "browser", "s", ""},
                              kNow - minutes(5),
                              kNow + minutes(5),
                              live ? std::nullopt : std::optional(kNow - minutes(1))};
      small.pool.restore(slot, lease, kNow);
    };
  };
  const auto resolve = [](TestPool& small) {
    Resolution who;
    small.pool.holders(0, kNow, who);
    small.pool.visitor_of(0, kNow);
  };
  const auto lend_own = [](TestPool& small) { lend(small, "own"); };
  return {
      {"lease", nothing, [](TestPool& small) { lend(small, "own", "browser"); }},
      {"lease, extended", leased, lend_own},
      {"lease, taken back", held, lend_own, minutes(1)},
      {"lease, returning visitor", held, [](TestPool& small) { lend(small, "own 2", "browser"); }},
      {"lease, rival", nothing, [](TestPool& small) { lend(small, "other 100"); }},
      {"lease, long id", nothing, [](TestPool& small) { lend(small, std::string(128, 'v')); }},
      {"lease, out of turn", leave_only_stragglers, lend_own, minutes(1)},
      {"lease, one kept for the valuable", held, lend_own, Duration(0), 1},
      {"lease, stragglers freed", leave_only_stragglers, lend_own, minutes(1), 1},
      {"renew", leased, [](TestPool& small) { small.pool.renew("own", kNow + hours(2), kNow); }},
      {"renew, taken back", held, [](TestPool& small) { small.pool.renew("own", kNow + hours(2), kNow); },
       minutes(1)},
      {"release", leased, [](TestPool& small) { small.pool.release("own", kNow); }},
      {"expire", due,
       [](TestPool& small) {
         std::array<LeaseView, 4> ended;
         small.pool.advance(kNow, ended);
       }},
      {"resolve", leased, resolve},
      {"resolve, contested",
       [leased, stored](TestPool& small) {
         leased(small);
         stored(0, true)(small);
       },
       resolve},
      {"find", held, [](TestPool& small) { small.pool.find_lease("own", kNow); }},
      {"attributes", [](TestPool& small) { lend(small, "own", "browser"); },
       [](TestPool& small) {
         small.pool.attributes(0, VisitId::cut("own"));
         small.pool.visitor(0, VisitId::cut("own"));
       }},
      {"cancel", reserved, [ticket](TestPool& small) { small.pool.cancel(ticket(small), kNow); }},
      {"hold back, reserved", reserved,
       [ticket](TestPool& small) { small.pool.hold_back(ticket(small), kNow); }},
      {"hold back, reserved again", reserved_again,
       [ticket](TestPool& small) { small.pool.hold_back(ticket(small), kNow); }},
      {"hold back, leased", leased, [ticket](TestPool& small) { small.pool.hold_back(ticket(small), kNow); }},
      {"set durable", leased,
       [ticket](TestPool& small) { small.pool.set_durable(ticket(small), kNow + hours(1), false); }},
      {"restore, live", nothing, stored(1, true)},
      {"restore, ended", nothing, stored(1, false)},
      {"restore, another's number", leased, stored(0, true)},
      {"drain and undrain", leased,
       [](TestPool& small) {
         small.pool.drain(2);
         small.pool.undrain(2);
       }},
      {"add", nothing, [](TestPool& small) { small.pool.add_number(number(4)); }, Duration(0), 0, 1},
      {"scan", held,
       [](TestPool& small) {
         std::array<LeaseView, 8> out;
         std::uint32_t from = 0;
         small.pool.scan(from, true, out);
         small.pool.untold_ends(0, out);
       }},
      {"counts", due, [](TestPool& small) { small.pool.counts(kNow); }},
  };
}

/// Stops a thread at each access of the operation; `schedules` says how often.
inline Found run_operation(const Operation& operation) {
  Found found;
  const ParkPoints points = stop_at_each_access([&](Schedule& schedule) {
    PoolConfig config = pool_config(operation.numbers());
    config.hold = operation.hold;
    config.valuable_reserve = operation.valuable_reserve;
    TestPool small(config);
    operation.prepare(small);
    bool first = operation.holds(), second = false;
    schedule.run({[&] { operation.run(small); },
                  [&] {
                    if (!operation.holds()) first = lend_and_release(small.pool, 1);
                  },
                  [&] { second = lend_and_release(small.pool, 2); }});
    found.steps += schedule.steps();
    if (!found.wrong.empty()) return;
    if (!schedule.ended()) found.wrong = "a schedule that does not end";
    if (schedule.stuck()) found.wrong = "others are stopped, too";
    if (!first || !second) found.wrong = "others do not get their work done";
    if (found.wrong.empty())
      found.wrong = find_loss(small.pool, operation.numbers() + operation.adds, kNow + hours(24));
    if (!found.wrong.empty()) found.wrong += std::string(" (") + operation.name + ")";
  });
  found.schedules = static_cast<std::uint64_t>(points.stops);
  return found;
}

}  // namespace parked

/// All operations, until one is wrong.
inline Found run_parked() {
  Found all;
  for (const parked::Operation& operation : parked::operations()) {
    const Found found = parked::run_operation(operation);
    all.schedules += found.schedules;
    all.steps += found.steps;
    all.wrong = found.wrong;
    if (!all.wrong.empty()) break;
  }
  return all;
}

}  // namespace ringtrace::pool::testing
