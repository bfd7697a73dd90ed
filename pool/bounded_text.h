#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace ringtrace::pool {

/// A text of at most `kMaximum` bytes held in place, so that copying one never allocates. `Tag` keeps a visit
/// id from being passed where a source is meant.
///
/// The bytes behind the text are left as they are: making and copying texts is on the path of every call.
template <typename Tag, std::size_t kMaximum>
class BoundedText {
 public:
  static_assert(kMaximum <= 255);
  static constexpr std::size_t kMaxBytes = kMaximum;

  /// The empty text.
  BoundedText() {}

  /// The text itself; none when it is longer than `kMaxBytes`.
  static std::optional<BoundedText> from(std::string_view text) {
    if (text.size() > kMaximum) return std::nullopt;
    return cut(text);
  }

  /// The text, cut after `kMaxBytes`.
  static BoundedText cut(std::string_view text) {
    BoundedText result;
    const std::size_t size = std::min(text.size(), kMaximum);
    std::memcpy(result.bytes_.data(), text.data(), size);
    result.size_ = static_cast<std::uint8_t>(size);
    return result;
  }

  /// A text without zero bytes from `count` words, `word(i)` each, the last of them filled up with zeros.
  template <typename Word>
  static BoundedText from_words(std::size_t count, Word word) {
    BoundedText result;
    std::uint64_t last = 0;
    std::size_t used = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t next = word(i);
      if (next == 0) break;
      std::memcpy(result.bytes_.data() + 8 * i, &next, 8);
      last = next;
      used = i + 1;
    }
    const std::size_t unused = used == 0 ? 0 : static_cast<std::size_t>(std::countl_zero(last)) / 8;
    result.size_ = static_cast<std::uint8_t>(8 * used - unused);
    return result;
  }

  /// A text of `size` bytes, not more than kMaxBytes, from words, `word(i)` each.
  template <typename Word>
  static BoundedText from_words_of(std::size_t size, Word word) {
    BoundedText result;
    for (std::size_t i = 0; 8 * i < size; ++i) {
      const std::uint64_t next = word(i);
      std::memcpy(result.bytes_.data() + 8 * i, &next, 8);
    }
    result.size_ = static_cast<std::uint8_t>(size);
    return result;
  }

  std::string_view view() const { return {bytes_.data(), size_}; }
  std::string to_string() const { return std::string(view()); }
  bool empty() const { return size_ == 0; }

  friend bool operator==(const BoundedText& a, const BoundedText& b) { return a.view() == b.view(); }

 private:
  alignas(8) std::array<char, (kMaximum + 7) / 8 * 8> bytes_;
  std::uint8_t size_ = 0;
};

}  // namespace ringtrace::pool
