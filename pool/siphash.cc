#include "pool/siphash.h"

#include <bit>
#include <cstddef>

#include "pool/text_words.h"

namespace ringtrace::pool {
namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  explicit SipState(const SipKey& key)
      : v0(key.k0 ^ 0x736f6d6570736575ULL),
        v1(key.k1 ^ 0x646f72616e646f6dULL),
        v2(key.k0 ^ 0x6c7967656e657261ULL),
        v3(key.k1 ^ 0x7465646279746573ULL) {}

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }

  template <int kRounds = 2>
  void absorb(std::uint64_t word) {
    v3 ^= word;
    for (int i = 0; i < kRounds; ++i) round();
    v0 ^= word;
  }

  template <int kRounds = 4>
  std::uint64_t finish() {
    v2 ^= 0xff;
    for (int i = 0; i < kRounds; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

std::uint64_t siphash(const SipKey& key, std::string_view text) {
  SipState state(key);
  const std::size_t whole = text.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) state.absorb(load_word(text.data() + i));
  state.absorb(load_tail(text) | (std::uint64_t{text.size()} << 56));
  return state.finish();
}

std::uint64_t siphash(const SipKey& key, std::uint64_t first, std::uint64_t second) {
  SipState state(key);
  state.absorb(first);
  state.absorb(second);
  state.absorb(std::uint64_t{16} << 56);
  return state.finish();
}

std::uint64_t siphash13(const SipKey& key, std::uint64_t word) {
  SipState state(key);
  state.absorb<1>(word);
  state.absorb<1>(std::uint64_t{8} << 56);
  return state.finish<3>();
}

}  // namespace ringtrace::pool
