// What the number pool costs, each figure beside a peer measured by turns in the same run.
//
// lease+release   one visit reserves, commits and releases; the hold is 0, so that numbers go round. Peer:
//                 the bare ring of free numbers, pop and push.
// resolve         a call to a random lent number, from an unknown caller. Peer: one look-up of the same
// number
//                 in an unordered_map of as many.
// renew           a random visit's heartbeat. Peer: a resolve.
// free list       pop and push of the ring alone, one and two threads. Peers: boost::lockfree::queue of fixed
//                 size, and a deque under a mutex.
//
// Doubts: the pool has one lock inside, so that its figures with one thread are those of an uncontended
// mutex; a virtual machine with two cores says little of contention; a resolution is copied out whole (about
// 2 KiB), which is most of its price.

#include <boost/lockfree/queue.hpp>
#include <charconv>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>

#include "bench/report.h"
#include "pool/number_pools.h"
#include "pool/scq.h"

namespace ringtrace::bench {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""min;

constexpr std::size_t kNumbers = 10'000;
constexpr int kRounds = 11;
const pool::Time kStart{std::chrono::hours(24 * 365 * 50)};

/// Keeps a result from being optimized away.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

pool::Number number(std::size_t i) { return *pool::Number::from_digits(74950000000ULL + i); }

/// "v" and the digits, without allocation.
struct VisitName {
  explicit VisitName(std::uint64_t i) { end = std::to_chars(text + 1, text + sizeof text, i).ptr; }
  std::string_view view() const { return {text, static_cast<std::size_t>(end - text)}; }
  char text[24] = {'v'};
  char* end;
};

std::unique_ptr<pool::NumberPools> make_pools() {
  pool::PoolConfig config;
  config.name = pool::PoolName::cut("main");
  for (std::size_t i = 0; i < kNumbers; ++i) config.numbers.push_back(number(i));
  config.hold = 0s;
  config.on_exhausted = pool::OnExhausted::kRefuse;
  pool::PoolsConfig all;
  all.pools.push_back(config);
  all.hash_key[0] = 1;
  return std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(all));
}

void lend(pool::NumberPools& pools, std::uint64_t visit, pool::Time now) {
  const VisitName name(visit);
  const auto made =
      pools.reserve({}, {name.view(), "", "google/cpc", ""}, 30min, pool::AdmissionClass::kNormal, now);
  pools.commit(made.ticket, true, now);
}

/// A pool of which every number is lent, visit i having some number.
std::unique_ptr<pool::NumberPools> make_lent() {
  auto pools = make_pools();
  for (std::size_t i = 0; i < kNumbers; ++i) lend(*pools, i, kStart);
  return pools;
}

class LockedDeque {
 public:
  void push(std::uint32_t index) {
    const std::lock_guard lock(mutex_);
    indices_.push_back(index);
  }
  bool pop(std::uint32_t& index) {
    const std::lock_guard lock(mutex_);
    if (indices_.empty()) return false;
    index = indices_.front();
    indices_.pop_front();
    return true;
  }

 private:
  std::mutex mutex_;
  std::deque<std::uint32_t> indices_;
};

/// Nanoseconds of wall time a cycle, all threads' cycles together.
template <typename Cycle>
double cycles(int threads, std::uint64_t each, Cycle cycle) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> running;
  for (int t = 1; t < threads; ++t) {
    running.emplace_back([&] {
      for (std::uint64_t i = 0; i < each; ++i) cycle();
    });
  }
  for (std::uint64_t i = 0; i < each; ++i) cycle();
  for (std::thread& thread : running) thread.join();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
  return taken.count() / static_cast<double>(each * static_cast<std::uint64_t>(threads));
}

void free_lists(std::vector<Row>& rows) {
  pool::ScalableCircularQueue<> ring(kNumbers);
  boost::lockfree::queue<std::uint32_t, boost::lockfree::fixed_sized<true>> boost_queue(kNumbers);
  LockedDeque deque;
  for (std::uint32_t i = 0; i < kNumbers; ++i) {
    ring.push(i);
    boost_queue.push(i);
    deque.push(i);
  }
  const auto ours = [&] {
    if (const auto index = ring.pop()) ring.push(*index);
  };
  const auto boosts = [&] {
    std::uint32_t index = 0;
    if (boost_queue.pop(index)) boost_queue.push(index);
  };
  const auto locked = [&] {
    std::uint32_t index = 0;
    if (deque.pop(index)) deque.push(index);
  };
  for (const int threads : {1, 2}) {
    const std::string what =
        "free list pop+push, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    const auto run = [&](auto cycle) {
      return [=] { return cycles(threads, 1'000'000 / static_cast<std::uint64_t>(threads), cycle); };
    };
    rows.push_back(compare({"pool", what, "ns", 0, 0, "boost::lockfree::queue", 0, Target::at_most(1), {}},
                           kRounds, run(ours), run(boosts)));
    rows.push_back(compare({"pool", what, "ns", 0, 0, "mutex+deque", 0, Target::at_most(1), {}}, kRounds,
                           run(ours), run(locked)));
  }
}

void lease_cycle(std::vector<Row>& rows) {
  const auto pools = make_pools();
  pool::ScalableCircularQueue<> ring(kNumbers);
  for (std::uint32_t i = 0; i < kNumbers; ++i) ring.push(i);
  pool::Time now = kStart;
  std::uint64_t visit = 0;
  const auto ours = [&] {
    return nanoseconds_each(100'000, [&](std::uint64_t) {
      now += 1ms;
      const VisitName name(++visit);
      lend(*pools, visit, now);
      keep(pools->release({}, name.view(), now));
    });
  };
  const auto peer = [&] {
    return nanoseconds_each(1'000'000, [&](std::uint64_t) { ring.push(*ring.pop()); });
  };
  rows.push_back(compare(
      {"pool", "lease+release cycle, 1 thread", "ns", 0, 0, "bare ring pop+push", 0, Target::at_most(12), {}},
      kRounds, ours, peer));
}

void calls(std::vector<Row>& rows) {
  const auto pools = make_lent();
  std::unordered_map<pool::Number, std::uint32_t> map;
  for (std::size_t i = 0; i < kNumbers; ++i) map.emplace(number(i), static_cast<std::uint32_t>(i));
  std::mt19937_64 random(1);
  std::vector<std::size_t> order(1 << 16);
  for (std::size_t& place : order) place = random() % kNumbers;
  const auto pick = [&](std::uint64_t i) { return order[i & (order.size() - 1)]; };
  const pool::Number caller = *pool::Number::from_digits(79160000000ULL);

  const auto resolve = [&] {
    return nanoseconds_each(200'000, [&](std::uint64_t i) {
      keep(pools->resolve({number(pick(i)), caller, kStart + 5s}).confidence);
    });
  };
  const auto look_up = [&] {
    return nanoseconds_each(1'000'000, [&](std::uint64_t i) { keep(map.find(number(pick(i)))->second); });
  };
  pool::Time expire = kStart + 30min;
  const auto renew = [&] {
    expire += 1s;
    return nanoseconds_each(200'000, [&](std::uint64_t i) {
      const VisitName name(pick(i));
      keep(pools->renew({}, name.view(), expire, kStart + 5s));
    });
  };
  rows.push_back(compare({"pool",
                          "resolve, 10 k numbers, 1 thread",
                          "ns",
                          0,
                          0,
                          "unordered_map look-up",
                          0,
                          Target::at_most(3),
                          {}},
                         kRounds, resolve, look_up));
  rows.push_back(
      compare({"pool", "renew, 10 k visits, 1 thread", "ns", 0, 0, "resolve", 0, Target::at_most(2), {}},
              kRounds, renew, resolve));
}

}  // namespace
}  // namespace ringtrace::bench

int main(int argc, char** argv) {
  std::vector<ringtrace::bench::Row> rows;
  ringtrace::bench::free_lists(rows);
  ringtrace::bench::lease_cycle(rows);
  ringtrace::bench::calls(rows);
  return ringtrace::bench::report(argc, argv, rows);
}
