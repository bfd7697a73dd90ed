#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "pool/big_array.h"

namespace ringtrace::pool {

/// From a visit's keyed hash to the slots that may have a record of it: a lock-free table of buckets, each a
/// cache line of eight cells, and two buckets for each hash. A new entry goes to the less full of the two (M.
/// Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001); entries never move.
///
/// A cell is one word, fingerprint (36) | slot + 1 (28), or 0 when it is empty, and its word is all there is
/// to it: whoever finds a slot here asks the slot itself whether it has the visit. So nothing needs to be
/// reclaimed, a cell taken and given back between two looks of another thread is still right, and of two
/// cells with the same word it does not matter which is emptied.
///
/// Invariants
///  V1  An entry is in one cell from `insert` until `erase`. Who looks after an insert has returned sees it.
///  V2  Cells of one hash have the same order for all threads: LendingPool tells rivals apart by it.
///
/// Ordering: sequentially consistent. Linearization points: the compare-exchange on the cell; a look has none
/// (it may miss what comes while it looks; that is why LendingPool looks again after it has inserted).
/// Progress: wait-free: a look reads 16 words, an insert tries each of the 16 cells at most once.
/// Limits: there are two cells a slot, and a slot's last holder and its reservation are in the table. In a
/// table half full for good, entries coming and going at random, some four buckets of a thousand have seven
/// entries and fewer than one of 100,000 has eight: both of an entry's are full less than once in ten
/// thousand million inserts. Then `insert` fails, and the visit is answered as if the pool were exhausted.
/// Disadvantage: a miss costs two cache lines.
template <template <class> class Atom = std::atomic>
class VisitIndex {
 public:
  static constexpr unsigned kCellsOfBucket = 8;

  /// For `slots` slots, at most 2^28 - 2 of them.
  explicit VisitIndex(std::size_t slots)
      : buckets_(std::max<std::size_t>(2, (2 * slots + kCellsOfBucket - 1) / kCellsOfBucket)),
        cells_(buckets_ * kCellsOfBucket) {}

  /// Calls `look(slot, order)` for each entry that may be of the hash, in the cells' order, until it returns
  /// false.
  template <typename Look>
  void for_each(std::uint64_t hash, Look look) const {
    const Pair pair(*this, hash);
    for (const unsigned bucket : {0U, 1U}) {
      const Atom<std::uint64_t>* const begin = pair.cells[bucket];
      for (const Atom<std::uint64_t>* cell = begin; cell != begin + kCellsOfBucket; ++cell) {
        const std::uint64_t word = cell->load();
        if (((word ^ hash) >> kSlotBits) != 0) [[likely]] {
          continue;
        }
        const auto order = bucket * kCellsOfBucket + static_cast<unsigned>(cell - begin);
        if ((word & kSlotMask) == 0) continue;
        if (!look(static_cast<std::uint32_t>((word & kSlotMask) - 1), order)) return;
      }
    }
  }

  /// What one pass over a hash's two buckets shows. A glance: others come and go meanwhile.
  struct Glance {
    bool found = false;    // an entry may be of the hash
    unsigned emptier = 0;  // the bucket, 0 or 1, with fewer entries: the better one for another
  };
  Glance glance(std::uint64_t hash) const {
    const Pair pair(*this, hash);
    std::uint64_t nearest = ~std::uint64_t{0};
    unsigned used[2] = {0, 0};
#pragma GCC unroll 16
    for (unsigned i = 0; i < 2 * kCellsOfBucket; ++i) {
      const std::uint64_t word = pair.cell(i).load();
      nearest = std::min(nearest, word ^ hash);
      used[i / kCellsOfBucket] += word != 0 ? 1U : 0U;
    }
    return {nearest <= kSlotMask, used[1] < used[0] ? 1U : 0U};
  }

  /// Has the two buckets of a hash brought into the cache while other work is done.
  void prefetch(std::uint64_t hash) const {
    const Pair pair(*this, hash);
    for (const Atom<std::uint64_t>* const cells : pair.cells) __builtin_prefetch(cells, 1);
  }

  /// Enters the slot, in the bucket `first` if there is room; the cell's place in the order, or none when
  /// both buckets are full.
  std::optional<unsigned> insert(std::uint64_t hash, std::uint32_t slot) {
    return insert(hash, slot, glance(hash).emptier);
  }
  std::optional<unsigned> insert(std::uint64_t hash, std::uint32_t slot, unsigned first) {
    const Pair pair(*this, hash);
    for (const unsigned bucket : {first, first ^ 1U}) {
      for (unsigned i = 0; i < kCellsOfBucket; ++i) {
        std::uint64_t seen = pair.cells[bucket][i].load();
        if (seen != 0 || !pair.cells[bucket][i].compare_exchange_strong(seen, entry(hash, slot))) continue;
        return bucket * kCellsOfBucket + i;
      }
    }
    return std::nullopt;
  }

  /// False when at most `most` entries may be of the hash. Faster than for_each, and mostly enough.
  bool has_more_than(unsigned most, std::uint64_t hash) const {
    const Pair pair(*this, hash);
    unsigned found = 0;
#pragma GCC unroll 16
    for (unsigned i = 0; i < 2 * kCellsOfBucket; ++i) {
      found += (pair.cell(i).load() ^ hash) <= kSlotMask ? 1U : 0U;
    }
    return found > most;
  }

  /// Takes one entry of the slot and hash out; nothing happens when there is none.
  void erase(std::uint64_t hash, std::uint32_t slot) {
    const Pair pair(*this, hash);
    for (Atom<std::uint64_t>* const cells : pair.cells) {
      for (Atom<std::uint64_t>* cell = cells; cell != cells + kCellsOfBucket; ++cell) {
        std::uint64_t word = cell->load();
        if (word == entry(hash, slot) && cell->compare_exchange_strong(word, 0)) return;
      }
    }
  }

  std::size_t memory_bytes() const { return buckets_ * kCellsOfBucket * sizeof(std::uint64_t); }

 private:
  static constexpr unsigned kSlotBits = 28;
  static constexpr std::uint64_t kSlotMask = (std::uint64_t{1} << kSlotBits) - 1;

  /// The two buckets of a hash: different ones, from bits the fingerprint does not use alone.
  struct Pair {
    Pair(const VisitIndex& index, std::uint64_t hash) {
      const std::uint64_t mixed = hash * 0x9E37'79B9'7F4A'7C15ULL;
      const std::size_t first = scaled(static_cast<std::uint32_t>(hash), index.buckets_);
      std::size_t second = scaled(static_cast<std::uint32_t>(mixed >> 32), index.buckets_ - 1);
      if (second >= first) ++second;
      cells = {index.cells_.get() + first * kCellsOfBucket, index.cells_.get() + second * kCellsOfBucket};
    }
    static std::size_t scaled(std::uint32_t bits, std::size_t range) {
      return static_cast<std::size_t>((std::uint64_t{bits} * range) >> 32);
    }
    Atom<std::uint64_t>& cell(unsigned order) const {
      return cells[order / kCellsOfBucket][order % kCellsOfBucket];
    }
    std::array<Atom<std::uint64_t>*, 2> cells;
  };

  static std::uint64_t entry(std::uint64_t hash, std::uint32_t slot) {
    return (hash & ~kSlotMask) | (slot + 1);
  }

  // constant after construction
  const std::size_t buckets_;
  const BigArray<Atom<std::uint64_t>> cells_;  // begins on a page, and so each bucket on a line
};

}  // namespace ringtrace::pool
