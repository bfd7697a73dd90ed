#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pool/number.h"

namespace ringtrace::pool {

/// What a number is for.
enum class NumberRole : std::uint8_t {
  kNone,            ///< of no pool
  kDynamic,         ///< lent to visits; `place` is the slot
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

/// Every number of every pool. Numbers are added and never taken out (a drained one is still called). Fixed
/// memory: the caller never adds more than it announced. Not thread-safe.
class NumberDirectory {
 public:
  explicit NumberDirectory(std::size_t numbers) : entries_(std::bit_ceil(2 * numbers + 1)) {}

  /// The number's entry; one of role kNone when there is none.
  const DirectoryEntry& find(Number number) const { return entries_[place_of(number)]; }

  /// False, and nothing is done, when the number is there already.
  bool insert(const DirectoryEntry& entry) {
    DirectoryEntry& place = entries_[place_of(entry.number)];
    if (place.role != NumberRole::kNone) return false;
    place = entry;
    return true;
  }

  std::size_t memory_bytes() const { return entries_.size() * sizeof(DirectoryEntry); }

 private:
  std::size_t place_of(Number number) const {
    const std::uint64_t mixed = std::hash<Number>{}(number);
    std::size_t place = static_cast<std::size_t>(mixed ^ (mixed >> 32)) & (entries_.size() - 1);
    while (entries_[place].role != NumberRole::kNone && entries_[place].number != number) {
      place = (place + 1) & (entries_.size() - 1);
    }
    return place;
  }

  std::vector<DirectoryEntry> entries_;
};

}  // namespace ringtrace::pool
