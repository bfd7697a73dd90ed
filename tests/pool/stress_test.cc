#include <atomic>
#include <barrier>
#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "tests/pool/counted.h"
#include "tests/pool/fiber.h"
#include "tests/pool/pool_user.h"
#include "tests/pool/small_pool.h"

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

/// A long run of `threads` on a pool of `numbers`: its history, and what is left behind.
void run_history(std::uint64_t threads, std::size_t numbers, std::uint64_t steps, int visitors) {
  using Small = SmallPool<std::atomic, 512>;
  CAPTURE(threads, numbers, visitors);
  PoolConfig config = pool_config(numbers);
  config.hold = Duration(40);
  const auto small = std::make_unique<Small>(config);
  std::atomic<std::uint64_t> counter{0};
  const auto tick = [&counter] { return counter.fetch_add(1) + 1; };
  std::vector<PoolUser<LendingPool<std::atomic>>> users;
  for (std::uint64_t who = 1; who <= threads; ++who)
    users.emplace_back(small->pool, numbers, who, visitors, tick);
  std::vector<std::thread> running;
  for (auto& user : users) {
    running.emplace_back([&user, steps] {
      for (std::uint64_t i = 0; i < steps; ++i) user.step();
      user.finish();
    });
  }
  // Numbers go out of use and come back meanwhile; one at a time, and the first stays.
  std::atomic<bool> draining{true};
  std::thread drainer([&] {
    for (std::uint32_t slot = 1; draining.load(); slot = slot % static_cast<std::uint32_t>(numbers - 1) + 1) {
      if (visitors == 0) break;
      small->pool.drain(slot);
      std::this_thread::yield();
      small->pool.undrain(slot);
    }
  });
  for (std::thread& thread : running) thread.join();
  draining = false;
  drainer.join();
  std::vector<HeldSpan> history;
  std::vector<CallSpan> calls;
  for (const auto& user : users) {
    CHECK(user.wrong() == "");
    history.insert(history.end(), user.history().begin(), user.history().end());
    calls.insert(calls.end(), user.calls().begin(), user.calls().end());
  }
  CHECK(history.size() > steps / 20);
  // A number that went out of use and came back is lent first, so that order is checked where none did.
  if (visitors > 0) {
    for (HeldSpan& span : history) span.out_of_order = true;
  }
  CHECK(find_violation(history, 40, calls) == "");
  CHECK(find_loss(small->pool, numbers, at(hours(24 * 60))) == "");
  counted("history of " + std::to_string(threads) + " threads on " + std::to_string(numbers) + " numbers: " +
          std::to_string(history.size()) + " leases in " + std::to_string(calls.size()) + " calls");
}

TEST_CASE("long histories of threads on one pool are right") {
  const std::uint64_t steps = kUnderSanitizer ? 4'000 : 20'000;
  for (const int visitors : {0, 12}) {
    run_history(1, 5, steps, visitors);
    run_history(2, 6, steps, visitors);
    run_history(4, 24, steps, visitors);
    run_history(8, 16, steps / 2, visitors);
    run_history(8, 400, steps / 2, visitors);
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
