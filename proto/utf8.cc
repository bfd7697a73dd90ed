#include "proto/utf8.h"

#include <cstddef>
#include <optional>

namespace ringtrace {
namespace {

/// How many bytes of a UTF-8 character follow the first; none when no character begins so.
std::optional<std::size_t> bytes_after(unsigned char first) {
  if (first < 0x80) return 0;
  if (first >= 0xC2 && first <= 0xDF) return 1;
  if (first >= 0xE0 && first <= 0xEF) return 2;
  if (first >= 0xF0 && first <= 0xF4) return 3;
  return std::nullopt;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::optional<std::size_t> more = bytes_after(first);
    if (!more || *more >= text.size()) return false;
    // What the second byte may be at least and at most: no longer form than needed, no surrogate, nothing
    // beyond U+10FFFF.
    unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i <= *more; ++i, least = 0x80, most = 0xBF) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (byte < least || byte > most) return false;
    }
    text.remove_prefix(*more + 1);
  }
  return true;
}

}  // namespace ringtrace
