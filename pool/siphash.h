#pragma once

#include <cstdint>
#include <string_view>

namespace ringtrace::pool {

/// The secret of a keyed hash.
struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

/// SipHash-2-4 of `text` (Aumasson and Bernstein, 2012): nobody without the key can choose texts that
/// collide, nor tell from a hash which text it is of by anything better than trying all texts with the key.
std::uint64_t siphash(const SipKey& key, std::string_view text);

/// SipHash-2-4 of the 16 bytes of two integers, each little endian.
std::uint64_t siphash(const SipKey& key, std::uint64_t first, std::uint64_t second);

/// SipHash-1-3 of the 8 bytes of an integer: the variant its authors proposed for tables in memory, half the
/// work, and nothing known against it there.
std::uint64_t siphash13(const SipKey& key, std::uint64_t word);

}  // namespace ringtrace::pool
