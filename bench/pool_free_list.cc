// The queue of resting numbers alone, without the pool around it: pop and push of one index, over and over,
// by 1, 2, 4 and 8 threads on 10,000 indices.
//
// Measured: nanoseconds of wall time from the threads' common beginning to the last one's end, divided by the
// cycles of all threads. Ours is pool::IdleQueue with every entry ripe, as in a pool without a hold.
//
// Peers: ScalableCircularQueue, the paper's faster queue, which ours departs from so that one queue can hold
// resting and ripe numbers in one order; boost::lockfree::queue of fixed size; moodycamel::ConcurrentQueue,
// which keeps an order only among the indices of one producer, so could not be used; a deque under a mutex,
// which a stopped thread stops.
//
// Doubts: nothing is done between pop and push, so contention is far above any real pool's; more threads than
// cores measure how a queue takes a preempted thread, not how it scales; a mutex looks its best here, because
// a thread keeps the lock for its whole slice of time. No targets: what counts is the pool's own price.

#include <concurrentqueue/concurrentqueue.h>
#include <boost/lockfree/queue.hpp>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "bench/pool_bench.h"
#include "bench/scq.h"
#include "bench/threads.h"
#include "pool/idle_queue.h"

namespace ringtrace::bench {
namespace {

constexpr std::uint32_t kIndices = 10'000;
constexpr std::uint64_t kCycles = 2'000'000;
constexpr int kRounds = 7;

class IdleNumbers {
 public:
  void push(std::uint32_t index) { queue_.push(index); }
  std::optional<std::uint32_t> pop() {
    return queue_.take([](std::uint32_t) { return true; });
  }

 private:
  pool::IdleQueue<> queue_{kIndices};
};

class Scq {
 public:
  void push(std::uint32_t index) { queue_.push(index); }
  std::optional<std::uint32_t> pop() { return queue_.pop(); }

 private:
  ScalableCircularQueue<> queue_{kIndices};
};

class Boost {
 public:
  void push(std::uint32_t index) { queue_.push(index); }
  std::optional<std::uint32_t> pop() {
    std::uint32_t index = 0;
    return queue_.pop(index) ? std::optional(index) : std::nullopt;
  }

 private:
  boost::lockfree::queue<std::uint32_t, boost::lockfree::fixed_sized<true>> queue_{kIndices};
};

class Moodycamel {
 public:
  void push(std::uint32_t index) { queue_.enqueue(index); }
  std::optional<std::uint32_t> pop() {
    std::uint32_t index = 0;
    return queue_.try_dequeue(index) ? std::optional(index) : std::nullopt;
  }

 private:
  moodycamel::ConcurrentQueue<std::uint32_t> queue_{kIndices};
};

class LockedDeque {
 public:
  void push(std::uint32_t index) {
    const std::lock_guard lock(mutex_);
    indices_.push_back(index);
  }
  std::optional<std::uint32_t> pop() {
    const std::lock_guard lock(mutex_);
    if (indices_.empty()) return std::nullopt;
    const std::uint32_t index = indices_.front();
    indices_.pop_front();
    return index;
  }

 private:
  std::mutex mutex_;
  std::deque<std::uint32_t> indices_;
};

template <typename Queue>
void fill(Queue& queue) {
  for (std::uint32_t i = 0; i < kIndices; ++i) queue.push(i);
}

template <typename Queue>
double nanoseconds_a_cycle(Queue& queue, int threads, Cores* cores = nullptr) {
  const std::uint64_t each = kCycles / static_cast<std::uint64_t>(threads);
  const Span span = span_of(threads, [&](int) {
    for (std::uint64_t i = 0; i < each; ++i) {
      if (const auto index = queue.pop()) queue.push(*index);
    }
  });
  if (cores != nullptr) cores->add(span);
  return span.wall * 1e9 / static_cast<double>(each * static_cast<std::uint64_t>(threads));
}

template <typename Peer>
void beside(const char* peer_name, std::vector<Row>& rows) {
  IdleNumbers ours;
  Peer peer;
  fill(ours);
  fill(peer);
  for (const int threads : {1, 2, 4, 8}) {
    const std::string what =
        "free list pop+push, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    Cores cores;
    const Row row = compare(
        pool_row(what, "ns", peer_name, {}), kRounds,
        [&] { return nanoseconds_a_cycle(ours, threads, &cores); },
        [&] { return nanoseconds_a_cycle(peer, threads); });
    rows.push_back(cores.judge(row, threads));
  }
}

}  // namespace

void pool_free_list(std::vector<Row>& rows) {
  beside<Scq>("bare SCQ", rows);
  beside<Boost>("boost::lockfree::queue", rows);
  beside<Moodycamel>("moodycamel::ConcurrentQueue", rows);
  beside<LockedDeque>("mutex+deque", rows);
}

}  // namespace ringtrace::bench
