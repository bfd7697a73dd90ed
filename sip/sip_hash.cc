#include "sip/sip_hash.h"

#include <bit>
#include <cstring>

namespace ringtrace::sip {

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

SipHash::SipHash(const Key& key, Output output)
    : v_{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
         key[1] ^ 0x7465646279746573},
      output_(output) {
  if (output_ == Output::k128) v_[1] ^= 0xee;
}

void SipHash::rounds(int count) {
  for (int i = 0; i < count; ++i) {
    v_[0] += v_[1];
    v_[2] += v_[3];
    v_[1] = std::rotl(v_[1], 13) ^ v_[0];
    v_[3] = std::rotl(v_[3], 16) ^ v_[2];
    v_[0] = std::rotl(v_[0], 32);
    v_[2] += v_[1];
    v_[0] += v_[3];
    v_[1] = std::rotl(v_[1], 17) ^ v_[2];
    v_[3] = std::rotl(v_[3], 21) ^ v_[0];
    v_[2] = std::rotl(v_[2], 32);
  }
}

void SipHash::compress(std::uint64_t word) {
  v_[3] ^= word;
  rounds(2);
  v_[0] ^= word;
}

void SipHash::update(std::string_view bytes) {
  const std::size_t filled = total_ % 8;
  total_ += bytes.size();
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    compress(tail_ | word << (8 * filled));
    tail_ = filled == 0 ? 0 : word >> (64 - 8 * filled);
  }
  if (bytes.empty()) return;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data(), bytes.size());
  tail_ |= word << (8 * filled);
  if (filled + bytes.size() < 8) return;
  compress(tail_);
  tail_ = word >> (64 - 8 * filled);
}

std::array<std::uint64_t, 2> SipHash::finish() {
  compress(tail_ | (total_ << 56));
  v_[2] ^= output_ == Output::k128 ? 0xee : 0xff;
  rounds(4);
  const std::uint64_t first = v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
  if (output_ == Output::k64) return {first, 0};
  v_[1] ^= 0xdd;
  rounds(4);
  return {first, v_[0] ^ v_[1] ^ v_[2] ^ v_[3]};
}

}  // namespace ringtrace::sip
