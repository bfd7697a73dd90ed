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
    result.set(text);
    return result;
  }

  /// Becomes the text, cut after `kMaxBytes`.
  void set(std::string_view text) {
    const std::size_t size = std::min(text.size(), kMaximum);
    std::memcpy(bytes_.data(), text.data(), size);
    size_ = static_cast<std::uint8_t>(size);
  }

  /// Becomes a text without zero bytes from its words, each of which `for_each(use)` gives to `use`, the last
  /// one filled up with zeros; not more than kMaxBytes. `twins` become the same text: cheaper than copies.
  template <typename ForEach, typename... Twins>
  void set_words(ForEach for_each, Twins&... twins) {
    std::uint64_t last = 0;
    std::size_t bytes = 0;
    for_each([&](std::uint64_t word) {
      put_word(bytes, word);
      (twins.put_word(bytes, word), ...);
      last = word;
      bytes += 8;
    });
    const unsigned unused = bytes == 0 ? 0 : static_cast<unsigned>(std::countl_zero(last)) / 8;
    size_ = static_cast<std::uint8_t>(bytes - unused);
    ((twins.size_ = size_), ...);
  }

  /// Becomes a text of `size` bytes, not more than kMaxBytes, from words, `word(i)` each; `twins` too.
  template <typename Word, typename... Twins>
  void set_words_of(std::size_t size, Word word, Twins&... twins) {
    for (std::size_t bytes = 0; bytes < size; bytes += 8) {
      const std::uint64_t next = word(bytes / 8);
      put_word(bytes, next);
      (twins.put_word(bytes, next), ...);
    }
    size_ = static_cast<std::uint8_t>(size);
    ((twins.size_ = size_), ...);
  }

  /// As an assignment, word by word and no further than the text: a text that was set by words a moment ago
  /// is not to be had in larger pieces until it has reached the cache.
  void copy_words(const BoundedText& from) {
    for (std::size_t i = 0; i < from.size_; i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, from.bytes_.data() + i, 8);
      asm("" : "+r"(word));  // keeps the compiler from making larger pieces of it
      std::memcpy(bytes_.data() + i, &word, 8);
    }
    size_ = from.size_;
  }

  std::string_view view() const { return {bytes_.data(), size_}; }
  std::string to_string() const { return std::string(view()); }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }

  friend bool operator==(const BoundedText& a, const BoundedText& b) { return a.view() == b.view(); }

 private:
  void put_word(std::size_t at, std::uint64_t word) { std::memcpy(bytes_.data() + at, &word, 8); }

  alignas(8) std::array<char, (kMaximum + 7) / 8 * 8> bytes_;
  std::uint8_t size_ = 0;
};

}  // namespace ringtrace::pool
