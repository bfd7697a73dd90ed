#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "pool/assert.h"

namespace ringtrace::bench {

/// A lock-free first-in-first-out queue of slot indices: the scalable circular queue of R. Nikolaev, "A
/// Scalable, Portable, and Memory-Efficient Lock-Free FIFO Queue" (DISC 2019), written anew from the paper:
/// the peer of the pool's own queue (pool/idle_queue.h says why that is another).
///
/// A ring of 2n entries carries at most n indices, each below n. Every entry is one word:
///
///     cycle (the rest) | safe (1 bit) | index (order + 1 bits; all ones: empty)
///
/// `head_` and `tail_` count operations; a count's place in the ring is its low order + 1 bits, its cycle the
/// rest. An operation takes a count with one fetch_add and settles the count's entry with one
/// compare-exchange.
///
/// Invariants
///  I1  At most n indices are in the ring. Kept by the caller: an index is pushed only by who popped it (or
///      by the filling at start), so that no index is in twice. With it a push always finds an entry.
///  I2  An entry's cycle never goes down. Kept by every compare-exchange here.
///  I3  An index stored in cycle c is taken by the pop whose count has cycle c and that place, by no other.
///      Kept by the comparison of cycles in pop, and by the safe bit: a pop that came before its push leaves
///      the entry empty with its own, later, cycle, or, when an older index still sits there, marks it
///      unsafe; a push of an earlier or the same count does not use such an entry.
///  I4  threshold_ >= 0 while an index that a pop must see is in the ring: a push that has stored sets it to
///      3n - 1, the most pops that can fail before one meets the index (paper, section 4).
///
/// Ordering: linearizable, strictly first in first out. All accesses are sequentially consistent but for the
/// filling at start: the proof in the paper is for that, and on x86 the loads cost nothing for it. There are
/// no fences. What a thread wrote before push(i) is visible to the thread that pops i.
/// Linearization points: push, the compare-exchange that stores; pop, its fetch_add on head_ when it finds an
/// index, and when it finds none the load of threshold_ or tail_ that says so.
/// Progress: lock-free, while not more than n threads are inside at one time. A thread stopped after its
/// fetch_add costs the others one entry of the ring for one cycle: a push skips it, a pop invalidates it.
/// Wrap-around: counts are 64 bits and cycles what they leave beside order + 2 bits; at a million operations
/// a second either wraps after some 290,000 years.
///
/// Disadvantages: twice the words of a plain ring; a pop of an empty queue may cost up to 3n steps, though
/// only right after the queue ran empty; under contention all threads meet on head_ and tail_; memory is
/// fixed at construction.
template <template <class> class Atom = std::atomic>
class ScalableCircularQueue {
 public:
  /// Threads that may be inside at one time; no ring has room for fewer than twice as many indices.
  static constexpr std::size_t kMaxThreads = 128;

  /// An empty queue for indices 0 to `indices` - 1, at most 2^30 of them.
  explicit ScalableCircularQueue(std::size_t indices)
      : order_(order_for(indices)),
        size_(std::uint64_t{2} << order_),
        entries_(std::make_unique<Atom<std::uint64_t>[]>(static_cast<std::size_t>(size_))) {
    for (std::uint64_t i = 0; i < size_; ++i) {
      entries_[static_cast<std::size_t>(i)].store(entry(0, true, empty()), std::memory_order_relaxed);
    }
    head_.value.store(size_, std::memory_order_relaxed);
    tail_.value.store(size_, std::memory_order_relaxed);
    threshold_.value.store(-1, std::memory_order_relaxed);
  }

  ScalableCircularQueue(const ScalableCircularQueue&) = delete;
  ScalableCircularQueue& operator=(const ScalableCircularQueue&) = delete;

  /// Puts an index behind all others. The index must not be in the queue (I1).
  void push(std::uint32_t index) {
    RINGTRACE_ASSERT(index < size_ / 2);
    for (;;) {
      const std::uint64_t count = tail_.value.fetch_add(1);
      Atom<std::uint64_t>& place = entries_[place_of(count)];
      std::uint64_t seen = place.load();
      while (cycle(seen) < cycle_of(count) && index_in(seen) == empty() &&
             (is_safe(seen) || head_.value.load() <= count)) {
        if (!place.compare_exchange_weak(seen, entry(cycle_of(count), true, index))) continue;
        if (threshold_.value.load() != full_threshold()) threshold_.value.store(full_threshold());
        return;
      }
    }
  }

  /// Takes the index that has been in the queue for longest; none when the queue is empty.
  std::optional<std::uint32_t> pop() {
    if (threshold_.value.load() < 0) return std::nullopt;
    for (;;) {
      const std::uint64_t count = head_.value.fetch_add(1);
      Atom<std::uint64_t>& place = entries_[place_of(count)];
      std::uint64_t seen = place.load();
      for (;;) {
        if (cycle(seen) == cycle_of(count)) {
          place.fetch_or(empty());
          return static_cast<std::uint32_t>(index_in(seen));
        }
        if (cycle(seen) > cycle_of(count)) break;
        const std::uint64_t passed = index_in(seen) == empty()
                                         ? entry(cycle_of(count), is_safe(seen), empty())
                                         : entry(cycle(seen), false, index_in(seen));
        if (place.compare_exchange_weak(seen, passed)) break;
      }
      const std::uint64_t tail = tail_.value.load();
      if (tail <= count + 1) {
        catch_up(tail, count + 1);
        threshold_.value.fetch_sub(1);
        return std::nullopt;
      }
      if (threshold_.value.fetch_sub(1) <= 0) return std::nullopt;
    }
  }

  /// Indices the ring has room for: a power of two, not less than asked for.
  std::size_t capacity() const { return static_cast<std::size_t>(size_ / 2); }

  std::size_t memory_bytes() const {
    return static_cast<std::size_t>(size_) * sizeof(std::uint64_t) + sizeof(*this);
  }

 private:
  static std::uint32_t order_for(std::size_t indices) {
    const std::size_t least = std::max(indices, 2 * kMaxThreads);
    RINGTRACE_ASSERT(least <= (std::size_t{1} << 30));
    return static_cast<std::uint32_t>(std::bit_width(least - 1));
  }

  /// Neighbouring counts fall on different cache lines.
  std::size_t place_of(std::uint64_t count) const {
    constexpr std::uint32_t kWordsOfLine = 3;  // log2 of the words of a cache line
    const std::uint64_t low = count & (size_ - 1);
    return static_cast<std::size_t>(((low << kWordsOfLine) & (size_ - 1)) |
                                    (low >> (order_ + 1 - kWordsOfLine)));
  }

  std::uint64_t empty() const { return size_ - 1; }
  std::uint64_t cycle_of(std::uint64_t count) const { return count >> (order_ + 1); }
  std::uint64_t cycle(std::uint64_t word) const { return word >> (order_ + 2); }
  bool is_safe(std::uint64_t word) const { return (word & size_) != 0; }
  std::uint64_t index_in(std::uint64_t word) const { return word & empty(); }
  std::uint64_t entry(std::uint64_t cycle, bool safe, std::uint64_t index) const {
    return (cycle << (order_ + 2)) | (safe ? size_ : 0) | index;
  }

  std::int64_t full_threshold() const { return static_cast<std::int64_t>(3 * (size_ / 2) - 1); }

  /// Pops have run ahead of all pushes: moves tail_ up, so that pushes need not fail one by one.
  void catch_up(std::uint64_t tail, std::uint64_t head) {
    while (!tail_.value.compare_exchange_weak(tail, head)) {
      head = head_.value.load();
      tail = tail_.value.load();
      if (tail >= head) return;
    }
  }

  template <typename T>
  struct alignas(128) Alone {
    Atom<T> value;
  };

  // constant after construction
  const std::uint32_t order_;
  const std::uint64_t size_;  // 2n
  const std::unique_ptr<Atom<std::uint64_t>[]> entries_;

  // own synchronization
  Alone<std::uint64_t> head_;
  Alone<std::uint64_t> tail_;
  Alone<std::int64_t> threshold_;
};

}  // namespace ringtrace::bench
