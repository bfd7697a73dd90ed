#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringtrace::sip {

/// SipHash-2-4 (Aumasson and Bernstein, 2012), a keyed hash made for signing short messages: a few dozen
/// nanoseconds where HMAC-SHA256 takes microseconds. The bytes are fed in pieces, however they are cut.
class SipHash {
 public:
  using Key = std::array<std::uint64_t, 2>;  ///< the key's 16 bytes, little-endian

  enum class Output : std::uint8_t { k64, k128 };
  SipHash(const Key& key, Output output);

  void update(std::string_view bytes);
  /// Ends it; [1] is 0 unless Output::k128 was asked for.
  std::array<std::uint64_t, 2> finish();

 private:
  void rounds(int count);
  void compress(std::uint64_t word);

  std::array<std::uint64_t, 4> v_;
  std::uint64_t tail_ = 0;   ///< bytes that do not fill a word yet
  std::uint64_t total_ = 0;  ///< bytes so far
  Output output_;
};

}  // namespace ringtrace::sip
