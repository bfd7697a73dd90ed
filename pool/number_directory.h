#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "pool/big_array.h"
#include "pool/number.h"
#include "pool/slot.h"

namespace ringtrace::pool {

/// What a number is for.
enum class NumberRole : std::uint8_t {
  kNone,            ///< of no pool
  kDynamic,         ///< lent to visits; `place` among the slots of all pools
  kStatic,          ///< of one source; `place` in PoolConfig::static_numbers
  kSourceFallback,  ///< `place` in PoolConfig::source_fallbacks
  kFallback,
};

struct DirectoryEntry {
  Number number;
  std::uint32_t pool = 0;
  std::uint32_t place = 0;
  NumberRole role = NumberRole::kNone;
};

/// Every number of every pool: a hash table of open addressing, four bytes a place, read without a lock while
/// numbers are added.
///
/// A place holds a slot, whose own words say number and pool, or a place in the list of fixed numbers (static
/// and fallback), which is complete before the first look; and in the bits that this leaves, seven with ten
/// million numbers, some of the number's hash, so that a look-up rarely asks a slot that is another number's:
///
///     fixed (1) | part of the hash (the rest) | place + 1 (as many bits as the greatest needs)
///
/// Numbers are added and never taken out (a drained one is still called), so that the table need not be
/// swapped for a new one: a place changes once, from empty, after what it refers to is complete. The caller
/// never adds more than it announced.
///
/// Progress: look-ups are wait-free (about two places; the table is at most 60 % full). One thread adds at a
/// time.
template <template <class> class Atom>
class NumberDirectory {
 public:
  NumberDirectory(std::size_t slots, std::size_t fixed)
      : size_(std::bit_ceil((slots + fixed) * 5 / 3 + 2)),
        shift_(64U - static_cast<unsigned>(std::bit_width(size_ - 1))),
        place_mask_(static_cast<std::uint32_t>(std::bit_ceil(slots + fixed + 2) - 1)),
        part_mask_(~kFixed & ~place_mask_),
        places_(size_),
        fixed_(std::make_unique<DirectoryEntry[]>(fixed + 1)) {}

  DirectoryEntry find(Number number, const Slot<Atom>* slots) const {
    const std::uint32_t part = part_of_hash(number);
    for (std::size_t i = home(number);; i = (i + 1) & (size_ - 1)) {
      const std::uint32_t word = places_[i].load(std::memory_order_acquire);
      if (word == 0) return {};
      if ((word & part_mask_) != part) continue;
      const std::uint32_t place = (word & place_mask_) - 1;
      if ((word & kFixed) != 0) {
        if (fixed_[place].number == number) return fixed_[place];
      } else if (slots[place].is(number)) [[likely]] {
        return {number, slots[place].pool(), place, NumberRole::kDynamic};
      }
    }
  }

  /// Adds a number that is not there yet (`find` says kNone). A dynamic one's slot knows its number already.
  void insert(const DirectoryEntry& entry) {
    std::uint32_t word = part_of_hash(entry.number);
    if (entry.role == NumberRole::kDynamic) {
      word |= entry.place + 1;
    } else {
      fixed_[fixed_count_++] = entry;
      word |= kFixed | fixed_count_;
    }
    std::size_t i = home(entry.number);
    while (places_[i].load(std::memory_order_relaxed) != 0) i = (i + 1) & (size_ - 1);
    places_[i].store(word, std::memory_order_release);
  }

  std::size_t memory_bytes() const { return size_ * sizeof(std::uint32_t); }

 private:
  static constexpr std::uint32_t kFixed = 0x8000'0000;

  /// Of the bits of the product below those that choose the place.
  std::uint32_t part_of_hash(Number number) const {
    const std::uint64_t hash = std::hash<Number>{}(number);
    return static_cast<std::uint32_t>(hash >> (shift_ - 31)) & part_mask_;
  }
  std::size_t home(Number number) const {
    // The upper bits of the product: neighbouring numbers, as carriers rent them out, come to lie far apart.
    return static_cast<std::size_t>(std::hash<Number>{}(number) >> shift_);
  }

  // constant after construction
  const std::size_t size_;
  const unsigned shift_;
  const std::uint32_t place_mask_;
  const std::uint32_t part_mask_;
  const BigArray<Atom<std::uint32_t>> places_;

  // written before the first look
  const std::unique_ptr<DirectoryEntry[]> fixed_;
  std::uint32_t fixed_count_ = 0;
};

}  // namespace ringtrace::pool
