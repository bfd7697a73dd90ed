#include "sip/call_id.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

namespace ringtrace::sip {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kLength = 26;
constexpr std::uint8_t kNoDigit = 32;

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

}  // namespace

RandomSource system_random() {
  struct Buffer {
    std::array<std::uint64_t, 512> values{};
    std::size_t used = 512;
  };
  return [buffer = std::make_shared<Buffer>()] {
    if (buffer->used == buffer->values.size()) {
      // Fails only when the system has no entropy at all; ids that could be guessed are worse than none.
      if (RAND_bytes(reinterpret_cast<unsigned char*>(buffer->values.data()),
                     static_cast<int>(sizeof buffer->values)) != 1) {
        std::abort();
      }
      buffer->used = 0;
    }
    return buffer->values[buffer->used++];
  };
}

CallId CallId::make(WallTime at, const RandomSource& random) {
  CallId id;
  const auto milliseconds =
      static_cast<std::uint64_t>(std::max<std::int64_t>(at.time_since_epoch().count(), 0));
  id.high_ = (milliseconds << 16) | (random() & 0xffff);
  id.low_ = random();
  return id;
}

std::optional<CallId> CallId::parse(std::string_view text) {
  // 26 characters are 130 bits: the first holds only three.
  if (text.size() != kLength || text.front() > '7') return std::nullopt;
  CallId id;
  for (const char c : text) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
    if (value == kNoDigit) return std::nullopt;
    id.high_ = (id.high_ << 5) | (id.low_ >> 59);
    id.low_ = (id.low_ << 5) | value;
  }
  return id;
}

std::string CallId::to_string() const {
  std::string text(kLength, '0');
  std::uint64_t high = high_;
  std::uint64_t low = low_;
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit) {
    *digit = kAlphabet[low & 31];
    low = (low >> 5) | (high << 59);
    high >>= 5;
  }
  return text;
}

}  // namespace ringtrace::sip
