#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ringtrace {

/// Bytes as hexadecimal digits, two each, in lower case.
inline std::string hex_text(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xFU];
  }
  return text;
}

}  // namespace ringtrace
