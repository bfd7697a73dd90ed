// The whole pool with 1, 2, 4 and 8 threads, beside the same code under a mutex (bench/locked_pools.h).
//
// Load: a pool of 10,000 numbers, 8,000 of them lent to visits that stay. Each thread has 64 visits of its
// own and goes round ten operations: one lease (reserve and commit) of a visit never seen before, five
// renewals of visits of its own, three resolutions of any number of the pool, one release of its oldest
// visit. Names and choices are made before the clock starts.
//
// Throughput: nanoseconds of wall time from the threads' common beginning to the last one's end, divided by
// the operations of all threads.
//
// Slowest operations: with 8 threads every operation is timed on its own, one reading of the clock between
// two; all of a round's figures are kept as they are, in memory touched before, and the round's figure is the
// one that one operation in 10,000 exceeds. Exact, so no histogram's steps are in it. Two rows:
//
//   8 threads             that never pause, 400,000 operations a round
//   8 threads that pause  each sleeps for half a millisecond after every 20 operations, as a thread does that
//                         serves requests; 100,000 operations a round. Once of all operations, and once, "not
//                         preempted", of those twenties in which the kernel did not take the core away from
//                         the thread (its involuntary switches, by getrusage)
//
// A row beside the last ones says what the same threads see of a pool that does nothing: so much of the
// figures is the clock, the sleeping and the machine.
//
// Threads that never pause carry the target, a fifth of the mutex pool's. Those that pause have none, and of
// all their operations ours take more than that fifth (a third of the mutex pool's, on two cores). Threads
// that wake together preempt one another, and who is preempted inside an operation waits for those that go
// first, with either pool; only the waiting for a preempted holder of the lock is the mutex's own. The row of
// those not preempted shows that alone.
//
// Doubts: on two cores, 8 threads that never pause are preempted some hundred times a second each, and what
// is preempted inside an operation makes it as long as the others' slices of time. That is the machine's
// doing on both sides, and at these speeds it comes about once in 10,000 operations: whether the figure is a
// microsecond or some milliseconds hangs on which side of that the run falls. Other work on the machine
// counts against both sides alike. More cores would say more than all of this.

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>

#include "bench/locked_pools.h"
#include "bench/pool_bench.h"
#include "bench/pool_world.h"
#include "bench/threads.h"

namespace ringtrace::bench {
namespace {

constexpr std::size_t kNumbers = 10'000;
constexpr std::uint64_t kStaying = 8'000;
constexpr std::size_t kVisitsOfThread = 64;
constexpr std::size_t kGroup = 10;  // operations: the mix once
constexpr std::size_t kOperations = 400'000;
constexpr int kRounds = 9;

/// A pool that does nothing: what is left of the figures is the machine's.
struct NoPools {
  pool::Reservation reserve(pool::PoolIndex, const pool::VisitView&, pool::Duration, pool::AdmissionClass,
                            pool::Time) {
    return {};
  }
  bool commit(const pool::Ticket&, bool, pool::Time) { return true; }
  bool renew(pool::PoolIndex, std::string_view, pool::Time, pool::Time) { return true; }
  bool release(pool::PoolIndex, std::string_view, pool::Time) { return true; }
  pool::Resolution resolve(const pool::ResolveQuery&) const { return {}; }
};

/// How often the kernel has taken the core away from the calling thread.
long preemptions() {
  rusage used{};
  getrusage(RUSAGE_THREAD, &used);
  return used.ru_nivcsw;
}

/// One thread's visits, choices and figures.
template <typename Pools>
class Worker {
 public:
  Worker(Pools& pools, std::uint64_t thread)
      : pools_(pools), first_((thread + 1) << 40), random_(thread + 1) {
    for (std::uint64_t i = 0; i < kVisitsOfThread; ++i) lend(pools_, VisitName(first_ + i).view(), kStart);
  }

  void prepare(std::size_t groups, pool::Time now) {
    now_ = now;
    groups_ = groups;
    names_.clear();
    for (std::uint64_t i = 0; i < kVisitsOfThread + groups; ++i) names_.emplace_back(first_ + i);
    first_ += groups;
    dialed_.clear();
    own_.clear();
    for (std::size_t i = 0; i < groups * kGroup; ++i) {
      dialed_.push_back(number(random_() % kNumbers));
      own_.push_back(1 + random_() % (kVisitsOfThread - 1));
    }
    nanoseconds_.assign(groups * kGroup, 0);
    undisturbed_.reserve(groups * kGroup);
    undisturbed_.clear();
  }

  /// Calls `done(i)` behind the i-th operation.
  template <typename Done>
  void run(Done done) {
    std::size_t i = 0;
    for (std::size_t group = 0; group < groups_; ++group) {
      lend(pools_, names_[group + kVisitsOfThread].view(), now_);
      done(i++);
      for (int renewal = 0; renewal < 5; ++renewal) {
        keep(pools_.renew({}, names_[group + own_[i]].view(), now_ + kTtl, now_));
        done(i++);
        if (renewal % 2 != 0) continue;
        keep(pools_.resolve({dialed_[i], unknown_caller(), now_}).confidence);
        done(i++);
      }
      keep(pools_.release({}, names_[group].view(), now_));
      done(i++);
    }
  }

  /// The operations one by one, timed; a sleep of `pause` (or none) after every two groups.
  void run_timed(std::chrono::microseconds pause) {
    constexpr std::size_t kBurst = 2 * kGroup;
    long preempted = preemptions();
    auto before = std::chrono::steady_clock::now();
    run([&](std::size_t i) {
      auto after = std::chrono::steady_clock::now();
      nanoseconds_[i] =
          static_cast<std::uint32_t>(std::min<std::int64_t>((after - before).count(), 0xFFFF'FFFF));
      if (pause.count() > 0 && i % kBurst == kBurst - 1) {
        const auto end = nanoseconds_.begin() + static_cast<std::ptrdiff_t>(i + 1);
        if (preemptions() == preempted) {
          undisturbed_.insert(undisturbed_.end(), end - kBurst, end);
        }
        std::this_thread::sleep_for(pause);
        preempted = preemptions();
        after = std::chrono::steady_clock::now();
      }
      before = after;
    });
  }

  const std::vector<std::uint32_t>& nanoseconds() const { return nanoseconds_; }
  /// Those of the groups before a pause in which the thread was not preempted.
  const std::vector<std::uint32_t>& undisturbed() const { return undisturbed_; }

 private:
  Pools& pools_;
  std::uint64_t first_;  // of the thread's visits that has not been released
  std::mt19937_64 random_;
  pool::Time now_ = kStart;
  std::size_t groups_ = 0;
  std::vector<VisitName> names_;
  std::vector<pool::Number> dialed_;
  std::vector<std::size_t> own_;
  std::vector<std::uint32_t> nanoseconds_;
  std::vector<std::uint32_t> undisturbed_;
};

/// A pool and the threads that use it.
template <typename Pools>
class Load {
 public:
  Load(Pools& pools, int threads) {
    for (std::uint64_t i = 0; i < kStaying; ++i) lend(pools, VisitName(i).view(), kStart);
    for (int t = 0; t < threads; ++t) workers_.emplace_back(pools, static_cast<std::uint64_t>(t));
  }

  double nanoseconds_an_operation(Cores* cores = nullptr) {
    const std::size_t operations = prepare(kOperations);
    const Span span = span_of(threads(), [&](int t) { worker(t).run([](std::size_t) {}); });
    if (cores != nullptr) cores->add(span);
    return span.wall * 1e9 / static_cast<double>(operations);
  }

  /// Microseconds that one operation in 10,000 exceeds.
  double slowest(std::size_t operations, std::chrono::microseconds pause, bool undisturbed = false) {
    prepare(operations);
    span_of(threads(), [&](int t) { worker(t).run_timed(pause); });
    std::vector<std::uint32_t> all;
    for (const Worker<Pools>& worker : workers_) {
      const auto& each = undisturbed ? worker.undisturbed() : worker.nanoseconds();
      all.insert(all.end(), each.begin(), each.end());
    }
    const auto place = all.begin() + static_cast<std::ptrdiff_t>(all.size() - 1 - all.size() / 10'000);
    std::nth_element(all.begin(), place, all.end());
    return static_cast<double>(*place) / 1000;
  }

 private:
  std::size_t prepare(std::size_t operations) {
    now_ += std::chrono::minutes(1);
    const std::size_t groups = operations / kGroup / workers_.size();
    for (Worker<Pools>& worker : workers_) worker.prepare(groups, now_);
    return groups * kGroup * workers_.size();
  }
  int threads() const { return static_cast<int>(workers_.size()); }
  Worker<Pools>& worker(int t) { return workers_[static_cast<std::size_t>(t)]; }

  std::vector<Worker<Pools>> workers_;
  pool::Time now_ = kStart;
};

}  // namespace

void pool_threads(std::vector<Row>& rows) {
  const char* const peer_name = "same pool under a mutex";
  for (const int threads : {1, 2, 4, 8}) {
    const auto pools = make_pools(config_of(kNumbers));
    LockedPools locked_pools(config_of(kNumbers));
    Load ours(*pools, threads);
    Load peer(locked_pools, threads);
    const std::string with = std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    Cores cores;
    const Row row = compare(
        pool_row("mixed load, " + with, "ns", peer_name, Target::at_most(1)), kRounds,
        [&] { return ours.nanoseconds_an_operation(&cores); },
        [&] { return peer.nanoseconds_an_operation(); });
    rows.push_back(cores.judge(row, threads));
    if (threads < 8) continue;
    constexpr std::chrono::microseconds kPause(500);
    rows.push_back(compare(
        pool_row("p99.99 of one operation, 8 threads", "us", peer_name, Target::at_most(0.2)), kRounds,
        [&] { return ours.slowest(kOperations, {}); }, [&] { return peer.slowest(kOperations, {}); }));
    for (const bool undisturbed : {false, true}) {
      const std::string which = undisturbed ? ", not preempted" : "";
      rows.push_back(compare(
          pool_row("p99.99 of one operation, 8 threads that pause" + which, "us", peer_name, {}), kRounds,
          [&] { return ours.slowest(kOperations / 4, kPause, undisturbed); },
          [&] { return peer.slowest(kOperations / 4, kPause, undisturbed); }));
    }
    NoPools no_pools;
    Load nothing(no_pools, threads);
    rows.push_back(compare(
        pool_row("p99.99 of no operation, 8 threads that pause", "us", peer_name, {}), kRounds,
        [&] { return nothing.slowest(kOperations / 4, kPause); },
        [&] { return peer.slowest(kOperations / 4, kPause); }));
  }
}

}  // namespace ringtrace::bench
