#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrace::pool {

/// The attributes of the latest visits, in one block of memory fixed at start. A ring: the oldest text makes
/// room for the newest, so that what memory lacks is always what is longest ago. The store has them all.
/// Not thread-safe.
class AttributeArena {
 public:
  /// Where a text is, or was. Default-constructed: nowhere.
  struct Handle {
    std::uint64_t position = 0;
    std::uint32_t size = 0;
  };

  /// Of a text that found no room.
  static Handle lost() { return {0, 0xFFFF'FFFF}; }

  explicit AttributeArena(std::size_t bytes) : bytes_(bytes) {}

  /// Keeps `text`; none when it is larger than the whole arena.
  std::optional<Handle> put(std::string_view text) {
    if (text.empty()) return Handle{};
    if (text.size() > bytes_.size()) return std::nullopt;
    const Handle handle{written_, static_cast<std::uint32_t>(text.size())};
    for_each_part(handle, [&](std::size_t place, std::size_t from, std::size_t count) {
      std::memcpy(bytes_.data() + place, text.data() + from, count);
    });
    written_ += text.size();
    return handle;
  }

  /// The text; none when it has made room for others.
  std::optional<std::string> get(const Handle& handle) const {
    if (handle.size == 0) return "";
    if (handle.size > bytes_.size() || written_ - handle.position > bytes_.size()) return std::nullopt;
    std::string text(handle.size, '\0');
    for_each_part(handle, [&](std::size_t place, std::size_t from, std::size_t count) {
      std::memcpy(text.data() + from, bytes_.data() + place, count);
    });
    return text;
  }

  std::size_t memory_bytes() const { return bytes_.size(); }

 private:
  /// Calls `part(place in the block, offset in the text, bytes)` for the one or two runs a text occupies.
  template <typename Part>
  void for_each_part(const Handle& handle, Part part) const {
    if (handle.size == 0) return;
    const std::size_t place = static_cast<std::size_t>(handle.position % bytes_.size());
    const std::size_t first = std::min<std::size_t>(handle.size, bytes_.size() - place);
    part(place, 0, first);
    if (first < handle.size) part(0, first, handle.size - first);
  }

  std::vector<char> bytes_;
  std::uint64_t written_ = 0;  // of all texts since start; a text is there while its position is in reach
};

}  // namespace ringtrace::pool
