#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace ringtrace::pool {

/// A text of at most `kMaximum` bytes held in place, so that copying one never allocates. `Tag` keeps a visit
/// id from being passed where a source is meant.
template <typename Tag, std::size_t kMaximum>
class BoundedText {
 public:
  static_assert(kMaximum <= 255);
  static constexpr std::size_t kMaxBytes = kMaximum;

  /// The empty text. The bytes are left as they are: making and copying texts is on the path of every call.
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

  std::string_view view() const { return {bytes_.data(), size_}; }
  std::string to_string() const { return std::string(view()); }
  bool empty() const { return size_ == 0; }

  friend bool operator==(const BoundedText& a, const BoundedText& b) { return a.view() == b.view(); }

 private:
  std::uint8_t size_ = 0;
  std::array<char, kMaximum> bytes_;
};

}  // namespace ringtrace::pool
