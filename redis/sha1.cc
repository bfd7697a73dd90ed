#include "redis/sha1.h"

#include <bit>
#include <cstddef>
#include <cstring>

namespace ringtrace::redis {
namespace {

constexpr std::size_t kBlock = 64;
constexpr std::size_t kLengthAt = 56;

using State = std::array<std::uint32_t, 5>;
using Block = std::array<std::uint8_t, kBlock>;

void take(State& state, const Block& block) {
  std::array<std::uint32_t, 80> w{};
  for (std::size_t t = 0; t < 16; ++t) {
    w[t] = std::uint32_t{block[4 * t]} << 24U | std::uint32_t{block[4 * t + 1]} << 16U |
           std::uint32_t{block[4 * t + 2]} << 8U | std::uint32_t{block[4 * t + 3]};
  }
  for (std::size_t t = 16; t < w.size(); ++t)
    w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  auto [a, b, c, d, e] = state;
  for (std::size_t t = 0; t < w.size(); ++t) {
    const std::uint32_t f = t < 20   ? ((b & c) | (~b & d)) + 0x5A827999U
                            : t < 40 ? (b ^ c ^ d) + 0x6ED9EBA1U
                            : t < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDCU
                                     : (b ^ c ^ d) + 0xCA62C1D6U;
    const std::uint32_t next = std::rotl(a, 5) + f + e + w[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

}  // namespace

std::array<std::uint8_t, 20> sha1(std::string_view text) {
  State state = {0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U, 0xC3D2E1F0U};
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  Block block{};
  for (; text.size() >= kBlock; text.remove_prefix(kBlock)) {
    std::memcpy(block.data(), text.data(), kBlock);
    take(state, block);
  }
  block.fill(0);
  if (!text.empty()) std::memcpy(block.data(), text.data(), text.size());
  block[text.size()] = 0x80;
  if (text.size() >= kLengthAt) {
    take(state, block);
    block.fill(0);
  }
  for (std::size_t i = 0; i < 8; ++i) block[kLengthAt + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  take(state, block);
  std::array<std::uint8_t, 20> hash{};
  for (std::size_t i = 0; i < hash.size(); ++i) {
    hash[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
  }
  return hash;
}

}  // namespace ringtrace::redis
