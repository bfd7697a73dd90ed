#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/pool/pool_user.h"
#include "tests/pool/proofs.h"
#include "tests/pool/small_pool.h"

namespace ringtrace::pool::testing {

/// A long run of real threads on one pool.
struct HistoryRun {
  std::uint64_t threads;
  std::size_t numbers;
  std::uint64_t steps;  // of each thread
  int visitors;
};

/// What came of it: its history's length, and the first thing that is wrong in it or in what it leaves.
struct History {
  std::size_t leases = 0;
  std::size_t calls = 0;
  std::string wrong;
};

inline History run_history(const HistoryRun& run) {
  using Small = SmallPool<std::atomic, 512>;
  constexpr std::uint64_t kHold = 40;
  PoolConfig config = pool_config(run.numbers);
  config.hold = Duration(kHold);
  const auto small = std::make_unique<Small>(config);
  std::atomic<std::uint64_t> counter{0};
  const auto tick = [&counter] { return counter.fetch_add(1) + 1; };
  std::vector<PoolUser<LendingPool<std::atomic>>> users;
  for (std::uint64_t who = 1; who <= run.threads; ++who)
    users.emplace_back(small->pool, run.numbers, who, run.visitors, tick);
  std::vector<std::thread> running;
  for (auto& user : users) {
    running.emplace_back([&user, &run] {
      for (std::uint64_t i = 0; i < run.steps && user.wrong().empty(); ++i) user.step();
      user.finish();
    });
  }
  // Numbers go out of use and come back meanwhile; one at a time, and the first stays.
  std::atomic<bool> draining{true};
  std::thread drainer([&] {
    const auto others = static_cast<std::uint32_t>(run.numbers - 1);
    for (std::uint32_t slot = 1; draining.load(); slot = slot % others + 1) {
      if (run.visitors == 0) break;
      small->pool.drain(slot);
      std::this_thread::yield();
      small->pool.undrain(slot);
    }
  });
  for (std::thread& thread : running) thread.join();
  draining = false;
  drainer.join();
  History result;
  std::vector<HeldSpan> history;
  std::vector<CallSpan> calls;
  for (const auto& user : users) {
    if (result.wrong.empty()) result.wrong = user.wrong();
    history.insert(history.end(), user.history().begin(), user.history().end());
    calls.insert(calls.end(), user.calls().begin(), user.calls().end());
  }
  result.leases = history.size();
  result.calls = calls.size();
  // A number that went out of use and came back is lent first, so that order is checked where none did.
  if (run.visitors > 0) {
    for (HeldSpan& span : history) span.out_of_order = true;
  }
  if (result.wrong.empty()) result.wrong = find_violation(history, kHold, calls);
  if (result.wrong.empty()) result.wrong = find_loss(small->pool, run.numbers, at(hours(24 * 60)));
  return result;
}

/// The runs, few numbers and many, with visitors that come back and without.
inline std::vector<HistoryRun> history_runs(std::uint64_t steps) {
  std::vector<HistoryRun> runs;
  for (const int visitors : {0, 12}) {
    runs.push_back({1, 5, steps, visitors});
    runs.push_back({2, 6, steps, visitors});
    runs.push_back({4, 24, steps, visitors});
    runs.push_back({8, 16, steps / 2, visitors});
    runs.push_back({8, 400, steps / 2, visitors});
  }
  return runs;
}

/// All runs, until the history of one is wrong. `found.schedules`: histories.
inline Found run_histories(std::uint64_t steps) {
  Found found;
  for (const HistoryRun& run : history_runs(steps)) {
    const History history = run_history(run);
    ++found.schedules;
    found.steps += history.calls;
    found.wrong = history.wrong;
    if (!found.wrong.empty()) break;
  }
  return found;
}

}  // namespace ringtrace::pool::testing
