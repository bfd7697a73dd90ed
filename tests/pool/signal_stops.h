#pragma once

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>

#include "tests/pool/proofs.h"
#include "tests/pool/small_pool.h"

namespace ringtrace::pool::testing {

namespace signals {

inline constexpr int kLendings = 20;

// What the handler needs: it stops its thread until a byte comes through the pipe.
inline int go_on[2];
inline std::atomic<std::uint64_t> stopped{0};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

extern "C" inline void park(int) {
  stopped.fetch_add(1);
  char byte = 0;
  while (read(go_on[0], &byte, 1) != 1) continue;
}

/// Lends and releases without a word to the allocator, where the stopped thread may be: true when it went
/// well.
template <typename Pool>
bool lend_and_release_quietly(Pool& pool, char who, int which) {
  std::array<char, 16> id{who};
  const auto end = std::to_chars(id.data() + 1, id.data() + id.size(), which);
  const std::string_view visit(id.data(), static_cast<std::size_t>(end.ptr - id.data()));
  const Time now = at(hours(1));
  const Reservation made = pool.reserve({visit, "", "", ""}, hours(1), AdmissionClass::kNormal, now);
  if (made.outcome != ReserveOutcome::kReserved || !pool.commit(made.ticket, true, now)) return false;
  return static_cast<bool>(pool.release(visit, now));
}

/// How often a stopped thread went on again, and how often another thread, meanwhile, did not get its own
/// work done.
struct SignalStops {
  std::uint64_t resumed = 0;
  std::uint64_t stuck = 0;
};

/// Stops a thread that uses the pool at an instant of chance, `rounds` times.
template <typename Pool>
SignalStops stop_by_signals(Pool& pool, std::uint64_t rounds) {
  SignalStops stops;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = park;
  if (pipe(go_on) != 0 || sigaction(SIGUSR1, &action, &before) != 0) return stops;
  stopped = 0;
  std::atomic<bool> working{true};
  std::atomic<std::uint64_t> done{0};
  std::thread victim([&] {
    for (int i = 0; working.load(); ++i) {
      lend_and_release_quietly(pool, 'v', i);
      done.fetch_add(1);
    }
  });
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    for (const std::uint64_t seen = done.load(); done.load() == seen;) std::this_thread::yield();
    pthread_kill(victim.native_handle(), SIGUSR1);
    while (stopped.load() < round) std::this_thread::yield();
    bool well = true;
    for (int i = 0; i < kLendings; ++i) well = lend_and_release_quietly(pool, 'm', i) && well;
    stops.stuck += well ? 0 : 1;
    const char byte = 0;
    stops.resumed += write(go_on[1], &byte, 1) == 1 ? 1U : 0U;
  }
  working = false;
  victim.join();
  sigaction(SIGUSR1, &before, nullptr);
  close(go_on[0]);
  close(go_on[1]);
  return stops;
}

}  // namespace signals

/// The shipped pool, with four numbers: `found.schedules` says how often a thread was stopped in it.
inline Found run_signals(std::uint64_t rounds) {
  PoolConfig config = pool_config(4);
  config.hold = Duration(0);
  const auto small = std::make_unique<SmallPool<std::atomic, 8>>(config);
  const signals::SignalStops stops = signals::stop_by_signals(small->pool, rounds);
  Found found{stops.resumed, 0, ""};
  if (stops.resumed != rounds) found.wrong = "threads that were not stopped";
  if (stops.stuck > 0)
    found.wrong = "others do not get their work done, " + std::to_string(stops.stuck) + " times";
  if (found.wrong.empty()) found.wrong = find_loss(small->pool, 4, at(hours(24)));
  return found;
}

}  // namespace ringtrace::pool::testing
