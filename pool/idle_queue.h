#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "pool/assert.h"
#include "pool/big_array.h"

namespace ringtrace::pool {

/// The queue in which numbers rest, in the order they came to rest: first those that may be lent again,
/// behind them those in their hold. A lock-free first-in-first-out ring of slot indices: the NCQ of R.
/// Nikolaev, "A Scalable, Portable, and Memory-Efficient Lock-Free FIFO Queue" (DISC 2019, section 3), with a
/// third counter between head and tail that parts the ripe entries from the others.
///
///     [head, ripe) have been looked at and were ripe             [ripe, tail) may still have to wait
///
/// Each of the n entries is one word: cycle (the rest) | index (order bits). A counter's place in the ring is
/// its low `order` bits, its cycle the rest.
///
/// Why not the paper's SCQ, which is faster under contention: SCQ takes an entry out before anybody can look
/// at it, so that held numbers would need a queue or timers of their own, and a second entry to be moved
/// into; between the two the order of release would get lost. Here the entry that is next can be looked at,
/// one queue does for both, a hold needs no timer, and n words are enough where SCQ needs 2n.
///
/// Invariants
///  I1  At most n entries are alive. Kept by the caller: an index is pushed only when it has no entry.
///  I2  An entry's word changes only from cycle c to c + 1, by the push that owns the place in cycle c + 1.
///  I3  head and ripe move over an entry only when `pass` allowed it, once for either. Takers need not move
///      ripe: it catches up with head.
///
/// Ordering: all accesses sequentially consistent; what a thread wrote before push(i) is visible to who gets
/// i. Linearization points: push, the exchange that stores the entry; take, the one that moves head.
/// Progress: lock-free: an exchange fails only because another thread's succeeded, and whoever finds tail
/// behind a stored entry moves it. A stopped thread holds up nobody; it may keep the index it has taken.
/// Disadvantages: all takers meet on head (an exchange that may fail, where SCQ has an addition that cannot).
template <template <class> class Atom = std::atomic>
class IdleQueue {
 public:
  /// Threads that may be inside at one time: no ring is smaller than twice as many.
  static constexpr std::size_t kMaxThreads = 128;

  /// An empty queue for indices 0 to `indices` - 1, at most 2^28 of them.
  explicit IdleQueue(std::size_t indices)
      : order_(order_for(indices)),
        mask_((std::uint64_t{1} << order_) - 1),
        entries_(static_cast<std::size_t>(mask_ + 1)) {
    head_.value.store(mask_ + 1, std::memory_order_relaxed);
    ripe_.value.store(mask_ + 1, std::memory_order_relaxed);
    tail_.value.store(mask_ + 1, std::memory_order_relaxed);
  }

  /// Puts an index behind all others (I1).
  void push(std::uint32_t index) {
    RINGTRACE_ASSERT(index <= mask_);
    for (;;) {
      std::uint64_t tail = tail_.value.load();
      Atom<std::uint64_t>& place = entries_[place_of(tail)];
      std::uint64_t seen = place.load();
      if (cycle(seen) == cycle(tail)) {
        tail_.value.compare_exchange_strong(tail, tail + 1);
        continue;
      }
      if (cycle(seen) + 1 != cycle(tail)) continue;  // tail has moved since it was loaded
      if (!place.compare_exchange_strong(seen, (tail & ~mask_) | index)) continue;
      if (order_ > kOrderAtHand) __builtin_prefetch(&entries_[place_of(tail + kAhead)], 1);
      tail_.value.compare_exchange_strong(tail, tail + 1);
      return;
    }
  }

  /// Moves `ripe` over the entries for which `pass(index)` is true, up to the first for which it is not.
  template <typename Pass>
  void ripen(Pass pass) {
    for (;;) {
      std::uint64_t ripe = ripe_.value.load();
      if (const std::uint64_t head = head_.value.load(); ripe < head) {
        ripe_.value.compare_exchange_strong(ripe, head);
        continue;
      }
      const std::uint64_t seen = entries_[place_of(ripe)].load();
      if (cycle(seen) != cycle(ripe)) {
        if (ripe_.value.load() == ripe) return;
        continue;
      }
      if (!pass(index_in(seen))) return;
      ripe_.value.compare_exchange_strong(ripe, ripe + 1);
    }
  }

  /// Takes the index that has been in the queue for longest, if `pass(index)` says that it is ripe; else
  /// none. (What `ripen` has passed may be taken out of order meanwhile and have to be held again.)
  template <typename Pass>
  std::optional<std::uint32_t> take(Pass pass) {
    std::uint64_t head = head_.value.load();
    for (;;) {
      const std::uint64_t seen = entries_[place_of(head)].load();
      const bool stored = cycle(seen) == cycle(head);
      if (!stored || !pass(index_in(seen))) {
        // The entry was, or was not, there at one instant only if head has not moved since.
        const std::uint64_t again = head_.value.load();
        if (again == head) return std::nullopt;
        head = again;
        continue;
      }
      if (head_.value.compare_exchange_strong(head, head + 1)) {
        if (order_ > kOrderAtHand) __builtin_prefetch(&entries_[place_of(head + kAhead)]);
        return index_in(seen);
      }
    }
  }

  /// The index `places` behind the one that has been in the queue for longest, or, when there is none, some
  /// index that was there before: good for nothing but having things at hand when its turn comes.
  std::uint32_t ahead(std::uint64_t places) const {
    return index_in(entries_[place_of(head_.value.load() + places)].load());
  }

  /// The ripe index that has been in the queue for longest; none when none is ripe. A glance: it may be gone.
  std::optional<std::uint32_t> first() const {
    const std::uint64_t head = head_.value.load();
    if (head >= ripe_.value.load()) return std::nullopt;
    return index_in(entries_[place_of(head)].load());
  }

  std::size_t memory_bytes() const {
    return static_cast<std::size_t>(mask_ + 1) * sizeof(std::uint64_t) + sizeof(*this);
  }

 private:
  static std::uint32_t order_for(std::size_t indices) {
    const std::size_t least = std::max(indices, 2 * kMaxThreads);
    RINGTRACE_ASSERT(least <= (std::size_t{1} << 28));
    return static_cast<std::uint32_t>(std::bit_width(least - 1));
  }

  /// How far ahead of its turn the entry of a count is brought into the cache (neighbours are in different
  /// lines), unless the ring is so small that all of it mostly is there.
  static constexpr std::uint64_t kAhead = 6;
  static constexpr std::uint32_t kOrderAtHand = 14;

  /// Neighbouring counts fall on different cache lines.
  std::size_t place_of(std::uint64_t count) const {
    constexpr std::uint32_t kWordsOfLine = 3;  // log2 of the words of a cache line
    const std::uint64_t low = count & mask_;
    return static_cast<std::size_t>(((low << kWordsOfLine) & mask_) | (low >> (order_ - kWordsOfLine)));
  }

  std::uint64_t cycle(std::uint64_t word) const { return word >> order_; }
  std::uint32_t index_in(std::uint64_t word) const { return static_cast<std::uint32_t>(word & mask_); }

  struct alignas(128) Alone {
    Atom<std::uint64_t> value;
  };

  // constant after construction
  const std::uint32_t order_;
  const std::uint64_t mask_;
  const BigArray<Atom<std::uint64_t>> entries_;

  // own synchronization
  Alone head_;
  Alone ripe_;
  Alone tail_;
};

}  // namespace ringtrace::pool
