#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <charconv>
#include <cstdio>
#include <thread>

#include "tests/pool/counted.h"
#include "tests/pool/fiber.h"
#include "tests/pool/locked_pool.h"
#include "tests/pool/small_pool.h"

namespace ringtrace::pool::testing {
namespace {

constexpr int kLendings = 20;

// What the handler needs: it stops its thread until a byte comes through the pipe.
int go_on[2];
std::atomic<std::uint64_t> parked{0};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

extern "C" void park(int) {
  parked.fetch_add(1);
  char byte = 0;
  while (read(go_on[0], &byte, 1) != 1) continue;
}

/// Lends and releases without a word to the allocator, where the stopped thread may be: true when it went
/// well.
template <typename Pool>
bool lend_and_release(Pool& pool, char who, int which) {
  std::array<char, 16> id{who};
  const auto end = std::to_chars(id.data() + 1, id.data() + id.size(), which);
  const std::string_view visit(id.data(), static_cast<std::size_t>(end.ptr - id.data()));
  const Time now = at(hours(1));
  const Reservation made = pool.reserve({visit, "", "", ""}, hours(1), AdmissionClass::kNormal, now);
  if (made.outcome != ReserveOutcome::kReserved || !pool.commit(made.ticket, true, now)) return false;
  return static_cast<bool>(pool.release(visit, now));
}

/// Stops a thread that uses the pool at an instant of chance, `rounds` times; returns how often this thread,
/// meanwhile, did not get its own work done.
template <typename Pool>
int rounds_stuck(Pool& pool, std::uint64_t rounds) {
  REQUIRE(pipe(go_on) == 0);
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = park;
  REQUIRE(sigaction(SIGUSR1, &action, &before) == 0);
  parked = 0;
  std::atomic<bool> working{true};
  std::atomic<std::uint64_t> done{0};
  std::thread victim([&] {
    for (int i = 0; working.load(); ++i) {
      lend_and_release(pool, 'v', i);
      done.fetch_add(1);
    }
  });
  int stuck = 0;
  bool resumed = true;
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    for (const std::uint64_t seen = done.load(); done.load() == seen;) std::this_thread::yield();
    pthread_kill(victim.native_handle(), SIGUSR1);
    while (parked.load() < round) std::this_thread::yield();
    bool well = true;
    for (int i = 0; i < kLendings; ++i) well = lend_and_release(pool, 'm', i) && well;
    stuck += well ? 0 : 1;
    const char byte = 0;
    resumed = write(go_on[1], &byte, 1) == 1 && resumed;
  }
  working = false;
  victim.join();
  CHECK(resumed);
  sigaction(SIGUSR1, &before, nullptr);
  close(go_on[0]);
  close(go_on[1]);
  return stuck;
}

TEST_CASE("a thread stopped by a signal at any instant stops nobody; under a lock it is seen to") {
  if (kUnderThreadSanitizer) {
    counted("stops by signal: none, ThreadSanitizer delivers signals only where a thread waits");
    return;
  }
  PoolConfig config = pool_config(4);
  config.hold = Duration(0);
  const auto small = std::make_unique<SmallPool<std::atomic, 8>>(config);
  const std::uint64_t rounds = kUnderSanitizer ? 1'000 : 5'000;
  CHECK(rounds_stuck(small->pool, rounds) == 0);
  CHECK(find_loss(small->pool, 4, at(hours(24))) == "");
  counted("stops by signal: " + std::to_string(rounds));

  LockedPool<std::atomic> locked(4, 0, 2'000);
  CHECK(rounds_stuck(locked, 200) > 0);
}

}  // namespace
}  // namespace ringtrace::pool::testing
