#include <atomic>
#include <barrier>
#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "tests/pool/counted.h"
#include "tests/pool/fiber.h"
#include "tests/pool/thread_histories.h"

namespace ringtrace::pool::testing {
namespace {

constexpr int kThreads = 4;

/// Runs `body(thread)` on every thread at once.
template <typename Body>
void on_threads(Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("long histories of threads on one pool are right") {
  for (const HistoryRun& run : history_runs(kUnderSanitizer ? 4'000 : 20'000)) {
    CAPTURE(run.threads, run.numbers, run.visitors);
    const History history = run_history(run);
    CHECK(history.wrong == "");
    CHECK(history.leases > run.steps / 20);
    counted("history of " + std::to_string(run.threads) + " threads on " + std::to_string(run.numbers) +
            " numbers: " + std::to_string(history.leases) + " leases in " + std::to_string(history.calls) +
            " calls");
  }
}

TEST_CASE("threads that lend, renew and release never share a number, nor cut a hold short") {
  const auto seed = static_cast<std::uint64_t>(GENERATE(1, 2, 3));
  CAPTURE(seed);
  constexpr std::uint64_t kHold = 40;
  PoolConfig config = pool_config(24);
  config.hold = Duration(kHold);
  OnePool pool(config);
  // One count is one millisecond of the pool's time, so that spans compare with holds.
  std::atomic<std::uint64_t> counter{0};
  const auto now = [&] { return at(milliseconds(counter.fetch_add(1))); };
  const auto count_of = [](Time time) {
    return static_cast<std::uint64_t>((time - at(milliseconds(0))).count());
  };
  std::vector<std::vector<HeldSpan>> histories(kThreads);

  on_threads([&](int thread) {
    std::mt19937_64 random(seed * 1000 + static_cast<std::uint64_t>(thread));
    std::vector<HeldSpan> open;
    std::uint64_t visit = static_cast<std::uint64_t>(thread) << 32;
    for (int step = 0; step < 20'000; ++step) {
      const std::uint64_t dice = random() % 8;
      if (dice < 4 && open.size() < 6) {
        const std::string id = std::to_string(++visit);
        const Reservation made =
            pool.reserve(VisitView{id, std::to_string(random() % 16), "s", id}, now(), hours(1));
        if (made.outcome != ReserveOutcome::kReserved) continue;
        if (dice == 0) {
          pool.pools->cancel(made.ticket, now());
        } else {
          pool.pools->commit(made.ticket, true, now());
          open.push_back({made.number, visit, count_of(now()), 0});
        }
      } else if (!open.empty()) {
        const std::size_t which = random() % open.size();
        HeldSpan span = open[which];
        const std::string id = std::to_string(span.visit);
        const Resolution answer = pool.resolve(span.number, now());
        if (answer.visit.view() != id || answer.method != ResolutionMethod::kActiveLease) std::abort();
        if (dice < 6) {
          pool.pools->renew(pool.main, id, at(hours(2)), now());
        } else {
          span.released = count_of(now());
          pool.pools->release(pool.main, id, now());
          histories[static_cast<std::size_t>(thread)].push_back(span);
          open[which] = open.back();
          open.pop_back();
        }
      } else {
        std::array<LeaseView, 4> ended;
        pool.pools->advance(now(), ended);
      }
    }
    for (HeldSpan span : open) {
      span.released = count_of(now());
      histories[static_cast<std::size_t>(thread)].push_back(span);
      pool.pools->release(pool.main, std::to_string(span.visit), now());
    }
  });

  std::vector<HeldSpan> all;
  for (const auto& history : histories) all.insert(all.end(), history.begin(), history.end());
  CHECK(all.size() > 1000);
  // A visitor's next visit may have the number back inside its hold; spans never overlap.
  CHECK(find_violation(all, 0).empty());
  const PoolCounts counts = pool.counts(at(hours(1)));
  CHECK(counts.free == 24);
  CHECK(counts.leased + counts.held + counts.reserved + counts.drained == 0);
}

TEST_CASE("threads without returning visitors leave the whole hold between two holders") {
  constexpr std::uint64_t kHold = 200;
  PoolConfig config = pool_config(16);
  config.hold = Duration(kHold);
  OnePool pool(config);
  std::atomic<std::uint64_t> counter{0};
  std::vector<std::vector<HeldSpan>> histories(kThreads);
  on_threads([&](int thread) {
    for (std::uint64_t i = 0; i < 5'000; ++i) {
      const std::uint64_t visit = (static_cast<std::uint64_t>(thread) << 32) + i;
      const std::string id = std::to_string(visit);
      const Reservation made = pool.lend(id, at(milliseconds(counter.fetch_add(1))), hours(1));
      if (made.outcome != ReserveOutcome::kReserved) continue;
      const std::uint64_t begin = counter.fetch_add(1);
      const std::uint64_t end = counter.fetch_add(1);
      pool.pools->release(pool.main, id, at(milliseconds(end)));
      histories[static_cast<std::size_t>(thread)].push_back({made.number, visit, begin, end});
    }
  });
  std::vector<HeldSpan> all;
  for (const auto& history : histories) all.insert(all.end(), history.begin(), history.end());
  CHECK(all.size() > 100);
  CHECK(find_violation(all, kHold).empty());
}

TEST_CASE("one visit that arrives on all threads at once gets one number") {
  OnePool pool(64);
  std::barrier<> start(kThreads);
  std::vector<std::vector<Number>> got(kThreads);
  on_threads([&](int thread) {
    for (int round = 0; round < 2'000; ++round) {
      start.arrive_and_wait();
      const std::string id = "visit-" + std::to_string(round);
      const Time now = at(seconds(200 * round));
      const Reservation made = pool.reserve(VisitView{id, "", "s", ""}, now, seconds(20));
      if (made.outcome == ReserveOutcome::kReserved || made.outcome == ReserveOutcome::kPending) {
        pool.pools->commit(made.ticket, true, now);
      }
      got[static_cast<std::size_t>(thread)].push_back(made.number);
    }
  });
  for (const auto& each : got) CHECK(each == got[0]);
}

}  // namespace
}  // namespace ringtrace::pool::testing
