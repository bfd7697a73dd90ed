#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "pool/siphash.h"

namespace ringtrace::pool {

/// The 8 bytes at `bytes` as a little-endian word.
inline std::uint64_t load_word(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

/// The 8 bytes of a little-endian word.
inline void store_word(std::uint64_t word, char* bytes) {
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  std::memcpy(bytes, &word, sizeof(word));
}

/// The last `text.size()` % 8 bytes of a text as a little-endian word filled up with zeros.
inline std::uint64_t load_tail(std::string_view text) {
  const std::size_t count = text.size() % 8;
  if (count == 0) return 0;
  if (text.size() >= 8) return load_word(text.data() + text.size() - 8) >> (8 * (8 - count));
  // Three bytes name all of 1 to 3, two overlapping halves all of 4 to 7: no loop, no call.
  const auto byte = [&](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(text[i])}; };
  if (count < 4) return byte(0) | byte(count / 2) << (8 * (count / 2)) | byte(count - 1) << (8 * (count - 1));
  const auto half = [&](std::size_t from) {
    std::uint32_t word = 0;
    std::memcpy(&word, text.data() + from, sizeof(word));
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap32(word);
    return std::uint64_t{word};
  };
  return half(0) | half(count - 4) << (8 * (count - 4));
}

/// Calls `use(word)` for each 8 bytes of the text, the last filled up with zeros.
template <typename Use>
void for_each_word(std::string_view text, Use use) {
  const std::size_t whole = text.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) use(load_word(text.data() + i));
  if (whole < text.size()) use(load_tail(text));
}

/// A keyed hash for placing short texts: a multiply and a fold for each 8 bytes, a third of SipHash's time.
/// Who does not know the key cannot aim at a place, yet nothing proves it as SipHash is proven: use it only
/// where the worst a collision does is bounded, and never to tell one text from another.
inline std::uint64_t placing_hash(const SipKey& key, std::string_view text) {
  const auto fold = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15ULL;
  std::uint64_t hash = key.k0 ^ (text.size() * kOdd);
  for_each_word(text, [&](std::uint64_t word) { hash = fold(hash ^ word, key.k1 | 1) + kOdd; });
  return fold(hash ^ key.k1, key.k0 ^ kOdd);
}

}  // namespace ringtrace::pool
