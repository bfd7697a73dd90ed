#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "tests/pool/deterministic_atomic.h"
#include "tests/pool/pool_user.h"
#include "tests/pool/small_pool.h"

namespace ringtrace::pool::testing {

/// What a proof ran, and the first thing that was wrong; empty when nothing was.
struct Found {
  std::uint64_t schedules = 0;
  std::uint64_t steps = 0;
  std::string wrong;
};

inline constexpr std::int64_t kHoldOfProofs = 20;

inline PoolConfig proof_config(std::size_t numbers) {
  PoolConfig config = pool_config(numbers);
  config.hold = Duration(kHoldOfProofs);
  return config;
}

/// Threads that use one pool at random, in schedules from seeds: the history is right and no number is lost.
inline Found run_users(std::uint64_t seeds) {
  using Pool = LendingPool<DeterministicAtomic>;
  Found found;
  for (std::uint64_t seed = 1; seed <= seeds && found.wrong.empty(); ++seed) {
    const std::size_t numbers = 2 + seed % 3;
    SmallPool<DeterministicAtomic, 8> small(proof_config(numbers));
    std::uint64_t count = 0;
    const auto tick = [&count] { return ++count; };
    std::vector<PoolUser<Pool>> users;
    for (std::uint64_t who = 1; who <= 3; ++who) {
      users.emplace_back(small.pool, seed, who, seed % 2 == 0 ? 2 : 0, tick);
    }
    std::vector<std::function<void()>> bodies;
    for (PoolUser<Pool>& user : users) {
      bodies.emplace_back([&user] {
        for (int i = 0; i < 20; ++i) user.step();
        user.finish();
      });
    }
    Schedule schedule(seed);
    schedule.run(bodies);
    ++found.schedules;
    found.steps += schedule.steps();
    std::vector<HeldSpan> history;
    std::vector<CallSpan> calls;
    for (const PoolUser<Pool>& user : users) {
      if (found.wrong.empty()) found.wrong = user.wrong();
      history.insert(history.end(), user.history().begin(), user.history().end());
      calls.insert(calls.end(), user.calls().begin(), user.calls().end());
    }
    if (!schedule.ended()) found.wrong = "a schedule that does not end";
    if (found.wrong.empty()) found.wrong = find_violation(history, kHoldOfProofs, calls);
    if (found.wrong.empty()) found.wrong = find_loss(small.pool, numbers, at(hours(1)));
    if (!found.wrong.empty()) found.wrong += " (seed " + std::to_string(seed) + ")";
  }
  return found;
}

/// Threads that reserve for one visit at once: all are given one number, and the pool lends no second.
inline std::string rivals_disagree(Schedule& schedule, int threads) {
  SmallPool<DeterministicAtomic, 4> small(proof_config(3));
  std::vector<Reservation> got(static_cast<std::size_t>(threads));
  std::vector<std::function<void()>> bodies;
  for (Reservation& mine : got) {
    bodies.emplace_back([&] {
      mine = small.pool.reserve({"visit", "", "", ""}, hours(1), AdmissionClass::kNormal, at(hours(0)));
      small.pool.commit(mine.ticket, true, at(hours(0)));
    });
  }
  schedule.run(bodies);
  if (!schedule.ended()) return "a schedule that does not end";
  for (const Reservation& each : got) {
    if (each.outcome == ReserveOutcome::kFallback) return "no number";
    if (each.number != got[0].number) return "two numbers for one visit";
  }
  const PoolCounts counts = small.pool.counts(at(hours(0)));
  if (counts.leased != 1 || counts.free != 2) return "a visit holds more than its number";
  return find_loss(small.pool, 3, at(hours(2)));
}

inline Found run_rivals(std::uint64_t seeds) {
  Found found;
  for (std::uint64_t seed = 1; seed <= seeds && found.wrong.empty(); ++seed) {
    Schedule schedule(seed);
    found.wrong = rivals_disagree(schedule, seed % 2 == 0 ? 2 : 3);
    ++found.schedules;
    found.steps += schedule.steps();
    if (!found.wrong.empty()) found.wrong += " (seed " + std::to_string(seed) + ")";
  }
  return found;
}

/// Readers of a number whose holders change: who they are told is a visit that had it, with its own times.
inline Found run_readers(std::uint64_t seeds) {
  Found found;
  for (std::uint64_t seed = 1; seed <= seeds && found.wrong.empty(); ++seed) {
    PoolConfig config = proof_config(1);
    config.hold = Duration(0);
    SmallPool<DeterministicAtomic, 2> small(config);
    const auto lend = [&] {
      for (int i = 1; i <= 6; ++i) {
        // The longer half of the ids takes two cells. All say when they begin and end.
        const std::string visit = std::to_string(i * 100) + std::string(i % 2 == 0 ? 60 : 1, 'v');
        const Time begin = at(milliseconds(i * 100));
        const Reservation made =
            small.pool.reserve({visit, "", "", ""}, hours(1), AdmissionClass::kNormal, begin);
        small.pool.commit(made.ticket, true, begin);
        small.pool.release(visit, begin + milliseconds(50));
      }
    };
    const auto wrong = [](const VisitId& visit, Time begin, Time end) {
      const std::string text(visit.view());
      const auto start = at(milliseconds(std::atoi(text.c_str())));
      const bool other = text.find_first_not_of("0123456789v") != std::string::npos || text.size() < 4;
      return other || begin != start || (end != start + milliseconds(50) && end != start + hours(1));
    };
    const auto read = [&] {
      for (int i = 0; i < 8; ++i) {
        Resolution who;
        small.pool.holders(0, at(hours(2)), who);
        for (const Candidate& holder : who.candidates()) {
          if (wrong(holder.visit, holder.shown, holder.end)) found.wrong = "a torn holder";
        }
        const bool is_only = who.candidate_count == 1 && who.visit == who.candidates().front().visit;
        if (!who.visit.empty() && !is_only) found.wrong = "an only holder among others";
        std::uint32_t from = 0;
        std::array<LeaseView, 2> seen;
        if (small.pool.scan(from, false, seen) == 1 && wrong(seen[0].visit, seen[0].start, seen[0].expire)) {
          found.wrong = "a torn lease";
        }
      }
    };
    Schedule schedule(seed);
    schedule.run({lend, read, read});
    ++found.schedules;
    found.steps += schedule.steps();
    if (!schedule.ended()) found.wrong = "a schedule that does not end";
    if (!found.wrong.empty()) found.wrong += " (seed " + std::to_string(seed) + ")";
  }
  return found;
}

/// Slots that become due while others look for what is due: each is found in its time.
inline Found run_due_tree(std::uint64_t seeds) {
  Found found;
  for (std::uint64_t seed = 1; seed <= seeds && found.wrong.empty(); ++seed) {
    constexpr std::uint32_t kSlots = 20;
    using Tree = DueTree<DeterministicAtomic>;
    Tree tree(kSlots);
    std::array<DeterministicAtomic<std::uint64_t>, kSlots> due;
    for (auto& each : due) each.store(Tree::kNever);
    const auto due_of = [&](std::uint32_t slot) { return due[slot].load(); };
    const auto make = [&](std::uint32_t first) {
      return [&, first] {
        for (std::uint32_t slot = first; slot < kSlots; slot += 2) {
          due[slot].store(10 + (slot * 7) % 13);
          tree.lower(slot, 10 + (slot * 7) % 13);
        }
      };
    };
    const auto end_all = [&](std::uint64_t now) {
      while (const auto slot = tree.next(now, due_of)) due[*slot].store(Tree::kNever);
    };
    const auto look = [&] {
      for (std::uint64_t now = 9; now < 16; ++now) end_all(now);
    };
    Schedule schedule(seed);
    schedule.run({make(0), make(1), look, look});
    ++found.schedules;
    found.steps += schedule.steps();
    if (!schedule.ended()) found.wrong = "a schedule that does not end";
    for (std::uint64_t now = 9; now < 30; ++now) {
      end_all(now);
      for (auto& each : due) {
        if (each.load() <= now) found.wrong = "a due slot that nobody finds";
      }
    }
    if (!found.wrong.empty()) found.wrong += " (seed " + std::to_string(seed) + ")";
  }
  return found;
}

/// Marks are each given to one taker, entries of an index are seen by who looks after they were entered.
inline Found run_marks_and_index(std::uint64_t seeds) {
  Found found;
  for (std::uint64_t seed = 1; seed <= seeds && found.wrong.empty(); ++seed) {
    SlotMarks<DeterministicAtomic> marks(200);
    VisitIndex<DeterministicAtomic> index(16);
    std::array<int, 4> given{};
    const std::array<std::uint32_t, 4> slots = {0, 63, 64, 199};
    const auto set = [&](std::size_t from) {
      return [&, from] {
        for (std::size_t i = from; i < slots.size(); i += 2) {
          marks.set(slots[i]);
          const auto place = index.place(0x9E37'79B9'7F4A'7C15ULL * (i / 3 + 1));
          const auto slot = static_cast<std::uint32_t>(i);
          if (!index.insert(place, slot)) found.wrong = "an index that is full";
          bool there = false;
          index.for_each(place,
                         [&](std::uint32_t other, unsigned) { return !(there = there || other == slot); });
          if (!there) found.wrong = "an entry that is not seen";
          index.erase(place, slot);
        }
      };
    };
    const auto take = [&] {
      marks.take([&](std::uint32_t slot) {
        for (std::size_t i = 0; i < slots.size(); ++i) given[i] += slots[i] == slot ? 1 : 0;
        return seed % 2 == 0;
      });
    };
    Schedule schedule(seed);
    schedule.run({set(0), set(1), take, take});
    for (int i = 0; i < 5; ++i) take();
    ++found.schedules;
    found.steps += schedule.steps();
    for (const int times : given) {
      if (times != 1) found.wrong = "a mark given " + std::to_string(times) + " times";
    }
    if (!found.wrong.empty()) found.wrong += " (seed " + std::to_string(seed) + ")";
  }
  return found;
}

/// Three threads enter slots of one hash, more than its home has room for: each sees its own, and of the last
/// entries of any two threads at least one's thread sees the other's, in one order for both.
inline Found run_full_home(std::uint64_t seeds) {
  using Index = VisitIndex<DeterministicAtomic>;
  constexpr std::uint32_t kOfThread = 4;
  Found found;
  for (std::uint64_t seed = 1; seed <= seeds && found.wrong.empty(); ++seed) {
    Index index(16);
    const auto place = index.place(seed * 0x9E37'79B9'7F4A'7C15ULL);
    const auto wrong = [&found](const char* what) { found.wrong = what; };
    std::array<std::array<std::optional<unsigned>, 3>, 3> seen;  // by thread: where it saw each thread's last
    const auto enter = [&](std::uint32_t thread) {
      const std::uint32_t first = thread * kOfThread;
      for (std::uint32_t slot = first; slot < first + kOfThread; ++slot) {
        const auto order = index.insert(place, slot);
        bool there = false;
        index.for_each(place, [&](std::uint32_t other, unsigned at) {
          there = there || (other == slot && order == at);
          if (other % kOfThread == kOfThread - 1) seen[thread][other / kOfThread] = at;
          return true;
        });
        if (!there || !index.has_more_than(0, place)) wrong("an entry of a full home that is not seen");
        if (slot + 1 < first + kOfThread) index.erase(place, slot);
        if (slot % 2 == seed % 2) index.insert(place, slot);  // keeps the home full
      }
    };
    Schedule schedule(seed);
    schedule.run({[&] { enter(0); }, [&] { enter(1); }, [&] { enter(2); }});
    ++found.schedules;
    found.steps += schedule.steps();
    for (std::size_t a = 0; a < 3; ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        if (!seen[a][b] && !seen[b][a]) wrong("two that entered one hash, and neither saw the other");
      }
    }
    if (!found.wrong.empty()) found.wrong += " (seed " + std::to_string(seed) + ")";
  }
  return found;
}

}  // namespace ringtrace::pool::testing
