#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace ringtrace::pool {

/// Which lease ends next: a lock-free tree of lower bounds over the slots, eight to a leaf, and over the
/// leaves, 64 to a node: every lease looks at one node of each level, only an end at all below one.
///
/// A node says that nothing below it is due before its bound. A lease that is made lowers the bounds above
/// it where they are later (mostly none is, and it only looks); a renewal touches nothing: its bounds are
/// merely too early, and are put right when their time comes and somebody looks. So a lease with heartbeats
/// costs one visit a term, not one a heartbeat.
///
/// Why not the timing wheel of hashed buckets (Varghese and Lauck, 1987): a wheel needs a link in every slot,
/// so 8 bytes a number instead of 1.02; a bucket that is drained is in one thread's hand, out of everybody's
/// reach when that thread stops; leases of a bucket come in no order; and a lease whose slot still has an
/// older entry with a later time would be noticed late. The tree gives the next lease in the order of time
/// and leaves nothing in anybody's hand.
///
///     node: bound, milliseconds (42) | count (21) | raising (1)
///
/// Invariants
///  T1  bound <= the due time of every slot below, but for one whose `lower` is under way. (`lower` looks at
///      every node above its slot, also where a lower node said enough: who said so may have stopped there.)
///  T2  A bound goes up only from a word marked `raising`, to the least of what is below as read after the
///      mark was set. A `lower` that finds a mark on a bound it need not change takes the mark away, after it
///      has changed what is below: either the raiser has read that change, or its exchange fails.
///  T3  A bound that is due never comes back once raised (leases end in the future), and each change counts
///      the word on: an old mark cannot be taken for a new one unless 2^21 changes meet one due bound.
///
/// Ordering: sequentially consistent. Progress: lock-free: an exchange here fails only because another
/// thread lowered, marked or raised that node; two raisers of a node work from one mark and help each other.
/// A thread stopped inside `lower` may keep its own new lease from being noticed, nobody else's.
/// Disadvantages: `next` reads eight slots and the bounds of up to 64 nodes a level, a wheel one line; the
/// root's line is read by every lease.
template <template <class> class Atom = std::atomic>
class DueTree {
 public:
  /// Later than all times: nothing is due.
  static constexpr std::uint64_t kNever = (std::uint64_t{1} << 42) - 1;

  explicit DueTree(std::size_t slots) {
    std::size_t nodes = 0;
    std::size_t below = slots;
    do {
      const std::size_t fan = fan_of(levels_.size());
      below = (below + fan - 1) / fan;
      levels_.push_back({nodes, below});
      nodes += below;
    } while (below > 1);
    slots_ = slots;
    nodes_ = std::make_unique<Atom<std::uint64_t>[]>(nodes);
    count_ = nodes;
    for (std::size_t i = 0; i < nodes; ++i) nodes_[i].store(kNever << kBoundAt, std::memory_order_relaxed);
    for (const Level& level : levels_) firsts_.push_back(&nodes_[level.first]);
    root_ = firsts_.back();
  }

  /// Nothing is due before this.
  std::uint64_t earliest() const { return bound(root_->load()); }

  /// Has what `lower` will look at brought into the cache, but for what all slots share.
  void prefetch(std::uint32_t slot) const { __builtin_prefetch(&nodes_[slot / kSlotsOfLeaf]); }

  /// The slot is due at `due`, and already says so to `DueOf`.
  void lower(std::uint32_t slot, std::uint64_t due) {
    std::size_t place = slot / kSlotsOfLeaf;
    for (Atom<std::uint64_t>* const first : firsts_) {
      Atom<std::uint64_t>& node = first[place];
      place /= kFan;
      std::uint64_t seen = node.load();
      while (bound(seen) > due || is_raising(seen)) {
        const std::uint64_t lowered = next_word(seen, std::min(bound(seen), due), false);
        if (node.compare_exchange_strong(seen, lowered)) break;
      }
    }
  }

  /// The slot that is due first, not later than `now`; none when none is. `due_of(slot)` says when a slot is
  /// due, kNever for one that is not. The caller ends what it was given (or finds it ended) and asks again.
  template <typename DueOf>
  std::optional<std::uint32_t> next(std::uint64_t now, DueOf due_of) {
    while (earliest() <= now) {
      std::size_t place = 0;
      for (std::size_t level = levels_.size(); level-- > 0;) {
        const Least least = least_below(level, place, due_of);
        if (least.due > bound(nodes_[levels_[level].first + place].load())) {
          // Too early a bound: this node's, and so, perhaps, those above it.
          for (; level < levels_.size(); ++level, place /= kFan) raise(level, place, due_of);
          break;
        }
        place = least.place;
        if (level == 0 && least.due <= now) return static_cast<std::uint32_t>(place);
      }
    }
    return std::nullopt;
  }

  std::size_t memory_bytes() const { return count_ * sizeof(std::uint64_t); }

 private:
  static constexpr std::size_t kSlotsOfLeaf = 8;
  static constexpr std::size_t kFan = 64;
  static constexpr std::size_t fan_of(std::size_t level) { return level == 0 ? kSlotsOfLeaf : kFan; }
  static constexpr unsigned kBoundAt = 22;

  struct Level {
    std::size_t first;  // place of its first node
    std::size_t nodes;
  };
  struct Least {
    std::uint64_t due;
    std::size_t place;
  };

  static std::uint64_t bound(std::uint64_t word) { return word >> kBoundAt; }
  static bool is_raising(std::uint64_t word) { return (word & 1) != 0; }
  static std::uint64_t next_word(std::uint64_t word, std::uint64_t bound, bool raising) {
    const std::uint64_t count = ((word >> 1) + 1) & 0x1F'FFFF;
    return (bound << kBoundAt) | (count << 1) | (raising ? 1U : 0U);
  }

  template <typename DueOf>
  Least least_below(std::size_t level, std::size_t place, DueOf due_of) const {
    const std::size_t begin = place * fan_of(level);
    const std::size_t end = std::min(begin + fan_of(level), level == 0 ? slots_ : levels_[level - 1].nodes);
    Least least{kNever, begin};
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint64_t due = level == 0 ? due_of(static_cast<std::uint32_t>(i))
                                           : bound(nodes_[levels_[level - 1].first + i].load());
      if (due < least.due) least = {due, i};
    }
    return least;
  }

  template <typename DueOf>
  void raise(std::size_t level, std::size_t place, DueOf due_of) {
    Atom<std::uint64_t>& node = nodes_[levels_[level].first + place];
    std::uint64_t seen = node.load();
    if (!is_raising(seen)) {
      const std::uint64_t marked = next_word(seen, bound(seen), true);
      if (!node.compare_exchange_strong(seen, marked)) return;
      seen = marked;
    }
    const std::uint64_t due = std::max(least_below(level, place, due_of).due, bound(seen));
    node.compare_exchange_strong(seen, next_word(seen, due, false));
  }

  // constant after construction
  std::vector<Level> levels_;
  std::vector<Atom<std::uint64_t>*> firsts_;  // of each level: its first node
  Atom<std::uint64_t>* root_ = nullptr;       // the first of the last level, its only one
  std::size_t slots_ = 0;
  std::size_t count_ = 0;
  std::unique_ptr<Atom<std::uint64_t>[]> nodes_;
};

}  // namespace ringtrace::pool
