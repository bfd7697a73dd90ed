#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "pool/slot.h"
#include "pool/time.h"

/// Limits and small conventions of LendingPool's parts.
namespace ringtrace::pool::lending {

inline constexpr Duration kLongestTtl = std::chrono::hours(24 * 30);

inline std::uint64_t expiry(Time now, Duration ttl) {
  return to_milliseconds(now + std::clamp(ttl, Duration(1), kLongestTtl));
}

/// In place of a handle: the visit brought texts, and the arena had no room for them.
inline constexpr std::uint32_t kTextsLost = 0xFFFF'FFFF;

/// A visitor's word in a slot: the hash's upper bits, and which of the slot's records it is of.
inline std::uint64_t visitor_word(std::uint64_t hash, std::uint64_t generation) {
  return (hash & ~std::uint64_t{0xF'FFFF}) | (generation & 0xF'FFFF);
}

/// Of the slots of a pool: those configured, and room for more.
inline constexpr std::size_t kLeastSpare = 1024;
inline constexpr std::size_t kMostSpare = 65'536;

}  // namespace ringtrace::pool::lending
