#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "pool/big_array.h"

namespace ringtrace::pool {

/// From a visit's keyed hash to the slots that may have a record of it: a lock-free table of buckets, two to
/// a cache line, each of seven cells and a count. An entry lies in the first bucket of its hash, its home;
/// only when that is full, in one of five others: its neighbour in the line, or one of two further lines'.
/// The home counts the entries that are away, so that while it has none a look is one half of one line.
///
/// A cell is one word of 32 bits, 0 when it is empty:
///
///     fingerprint (the rest) | slot + 1 (as many bits as the greatest needs: 24 with ten million slots)
///
/// A fingerprint is bits of the hash above those that say where its home is; never all 0, so that no empty
/// cell has them. The word is all there is to a cell: whoever finds a slot here asks the slot itself whether
/// it has the visit. So nothing needs to be reclaimed, a cell
/// taken and given back between two looks of another thread is still right, and of two cells with the same
/// word it does not matter which is emptied.
///
/// Invariants
///  V1  An entry is in one cell from `insert` until `erase`. Who looks after an insert has returned sees it.
///  V2  Cells of one hash have the same order for all threads: LendingPool tells rivals apart by it.
///  V3  A home's count is never below the entries that are away from it: it is raised before an entry is put
///      away, and lowered after one was taken out. (A thread that stops between leaves it too high for good,
///      which costs a look in vain, never an entry.)
///
/// Ordering: sequentially consistent. Linearization points: the compare-exchange on the cell; a look has none
/// (it may miss what comes while it looks; that is why LendingPool looks again after it has inserted).
/// Progress: wait-free: a look reads 8 words, or 43, and a second time those from the first that may be the
/// hash's on; an insert tries each of the 42 cells at most once.
/// Limits: there are three and a half cells a slot, and a slot's last holder and its reservation are in the
/// table. With an entry for every slot, coming and going at random, a home is full once in 200 times, a line
/// once in ten thousand, and all three of a hash less than once in ten thousand million. Then `insert` fails,
/// and the visit is answered as if the pool were exhausted.
/// Disadvantages: of ten million slots a fingerprint has eight bits: one look in a hundred asks a slot in
/// vain; beyond 2^28 slots there would be none left.
template <template <class> class Atom = std::atomic>
class VisitIndex {
 public:
  static constexpr unsigned kCellsOfBucket = 7;

  /// For `slots` slots, at most 2^28 - 2 of them.
  explicit VisitIndex(std::size_t slots)
      : lines_(std::max<std::size_t>(kLines, (slots + kSlotsOfLine - 1) / kSlotsOfLine)),
        slot_bits_(static_cast<unsigned>(std::bit_width(slots))),
        slot_mask_((std::uint32_t{1} << slot_bits_) - 1),
        buckets_(2 * lines_) {}

  struct alignas(32) Bucket {
    Atom<std::uint32_t> away;
    Atom<std::uint32_t> cells[kCellsOfBucket];
  };
  static_assert(sizeof(Bucket) == 32);

  /// Where a hash is looked for: worked out once for all looks of an operation.
  struct Place {
    Bucket* home = nullptr;
    std::uint32_t fingerprint = 0;
    std::uint64_t hash = 0;
  };
  Place place(std::uint64_t hash) const {
    const auto bits = static_cast<std::uint32_t>(hash >> 32) & ~slot_mask_;
    return {&buckets_[home_of(hash)], bits != 0 ? bits : slot_mask_ + 1, hash};
  }

  /// Calls `look(slot, order)` for each entry that may be of the hash, in the cells' order, until it returns
  /// false.
  template <typename Look>
  void for_each(const Place& place, Look look) const {
    if (for_each_at_home(place, look)) for_each_away(place, look);
  }

  /// The two halves of for_each, for who wants no reference to its findings to be given away by the first:
  /// true when the second has entries to look at.
  template <typename Look>
  bool for_each_at_home(const Place& place, Look look) const {
    return look_into(*place.home, 0, place.fingerprint, look) && place.home->away.load() != 0;
  }
  template <typename Look>
  [[gnu::noinline]] void for_each_away(const Place& place, Look look) const {
    const auto buckets = buckets_of(place.hash);
    for (unsigned i = 1; i < kBuckets; ++i) {
      if (!look_into(buckets_[buckets[i]], i * kCellsOfBucket, place.fingerprint, look)) return;
    }
  }

  /// False when at most `most` entries may be of the hash. Faster than for_each, and mostly enough.
  bool has_more_than(unsigned most, const Place& place) const {
    unsigned found = count_in(*place.home, place.fingerprint);
    if (place.home->away.load() != 0) [[unlikely]]
      found += count_away(place);
    return found > most;
  }

  /// Has the home of a hash brought into the cache while other work is done.
  static void prefetch(const Place& place) { __builtin_prefetch(place.home, 1); }

  /// Enters the slot; the cell's place in the order, or none when all the hash's buckets are full.
  std::optional<unsigned> insert(const Place& place, std::uint32_t slot) {
    const std::uint32_t word = place.fingerprint | (slot + 1);
    unsigned cell = put(*place.home, word);
    if (cell == kCellsOfBucket) [[unlikely]]
      cell = put_away(place, word);
    return cell == kNoCell ? std::nullopt : std::optional(cell);
  }

  /// Takes one entry of the slot and hash out; nothing happens when there is none.
  void erase(const Place& place, std::uint32_t slot) {
    const std::uint32_t word = place.fingerprint | (slot + 1);
    if (take(*place.home, word)) return;
    if (place.home->away.load() != 0) [[unlikely]]
      take_away(place, word);
  }

  std::size_t memory_bytes() const { return 2 * lines_ * sizeof(Bucket); }

 private:
  static constexpr std::size_t kSlotsOfLine = 4;
  static constexpr unsigned kLines = 3;  // where an entry may be
  static constexpr unsigned kBuckets = 2 * kLines;
  static constexpr unsigned kNoCell = kBuckets * kCellsOfBucket;

  static std::size_t scaled(std::uint64_t hash, std::size_t range) {
    return static_cast<std::size_t>(((hash & 0xFFFF'FFFF) * range) >> 32);
  }
  std::size_t home_of(std::uint64_t hash) const { return scaled(hash, 2 * lines_); }

  /// The buckets of a hash, its home first: of three different lines.
  std::array<std::size_t, kBuckets> buckets_of(std::uint64_t hash) const {
    const std::uint64_t mixed = hash * 0x9E37'79B9'7F4A'7C15ULL;
    const std::size_t home = home_of(hash);
    const std::size_t first = home / 2;
    std::size_t second = scaled(mixed, lines_ - 1);
    if (second >= first) ++second;
    std::size_t third = scaled(mixed >> 32, lines_ - 2);
    if (third >= std::min(first, second)) ++third;
    if (third >= std::max(first, second)) ++third;
    return {home, home ^ 1U, 2 * second, 2 * second + 1, 2 * third, 2 * third + 1};
  }

  /// The first cell of the bucket whose word satisfies `is`; kCellsOfBucket when none does. Looks at all of
  /// them, and chooses without a jump: where a loop would end nobody can foretell, and to be wrong about it
  /// costs more than seven words of a line that is there.
  template <typename Is>
  static unsigned first_cell(const Bucket& bucket, Is is) {
    unsigned first = kCellsOfBucket;
#pragma GCC unroll 7
    for (unsigned back = 1; back <= kCellsOfBucket; ++back) {
      const unsigned i = kCellsOfBucket - back;
      first = is(bucket.cells[i].load()) ? i : first;
      asm("" : "+r"(first));  // keeps the compiler from making jumps of it
    }
    return first;
  }

  /// Of a cell: that its word is this one.
  static auto is(std::uint32_t word) {
    return [word](std::uint32_t seen) { return seen == word; };
  }

  template <typename Look>
  bool look_into(const Bucket& bucket, unsigned order, std::uint32_t fingerprint, Look& look) const {
    const auto may_be = [&](std::uint32_t word) { return (word ^ fingerprint) <= slot_mask_; };
    for (unsigned i = first_cell(bucket, may_be); i < kCellsOfBucket; ++i) {
      const std::uint32_t slot = bucket.cells[i].load() ^ fingerprint;
      if (slot <= slot_mask_ && !look(slot - 1, order + i)) [[likely]]
        return false;
    }
    return true;
  }

  unsigned count_in(const Bucket& bucket, std::uint32_t fingerprint) const {
    unsigned found = 0;
#pragma GCC unroll 7
    for (unsigned i = 0; i < kCellsOfBucket; ++i) {
      found += (bucket.cells[i].load() ^ fingerprint) <= slot_mask_ ? 1U : 0U;
    }
    return found;
  }
  [[gnu::noinline]] unsigned count_away(const Place& place) const {
    const auto buckets = buckets_of(place.hash);
    unsigned found = 0;
    for (unsigned i = 1; i < kBuckets; ++i) found += count_in(buckets_[buckets[i]], place.fingerprint);
    return found;
  }

  /// The cell where the word is now; kCellsOfBucket when the bucket is full.
  static unsigned put(Bucket& bucket, std::uint32_t word) {
    for (unsigned i = first_cell(bucket, is(0)); i < kCellsOfBucket; ++i) {
      std::uint32_t seen = 0;
      if (bucket.cells[i].compare_exchange_strong(seen, word)) [[likely]]
        return i;
    }
    return kCellsOfBucket;
  }
  [[gnu::noinline]] unsigned put_away(const Place& place, std::uint32_t word) {
    const auto buckets = buckets_of(place.hash);
    place.home->away.fetch_add(1);
    for (unsigned i = 1; i < kBuckets; ++i) {
      const unsigned cell = put(buckets_[buckets[i]], word);
      if (cell != kCellsOfBucket) return i * kCellsOfBucket + cell;
    }
    place.home->away.fetch_sub(1);
    return kNoCell;
  }

  static bool take(Bucket& bucket, std::uint32_t word) {
    for (unsigned i = first_cell(bucket, is(word)); i < kCellsOfBucket; ++i) {
      std::uint32_t seen = word;
      if (bucket.cells[i].compare_exchange_strong(seen, 0)) [[likely]]
        return true;
    }
    return false;
  }
  [[gnu::noinline]] void take_away(const Place& place, std::uint32_t word) {
    const auto buckets = buckets_of(place.hash);
    for (unsigned i = 1; i < kBuckets; ++i) {
      if (!take(buckets_[buckets[i]], word)) continue;
      place.home->away.fetch_sub(1);
      return;
    }
  }

  // constant after construction
  const std::size_t lines_;
  const unsigned slot_bits_;
  const std::uint32_t slot_mask_;
  const BigArray<Bucket> buckets_;  // begins on a page, and so each pair on a line
};

}  // namespace ringtrace::pool
