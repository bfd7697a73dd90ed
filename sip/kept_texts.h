#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

namespace ringtrace::sip {

/// Keeps texts where they are until it is destroyed. Most messages have a dozen small ones: they share a
/// block.
class KeptTexts {
 public:
  /// The parts as one text.
  std::string_view keep(std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (const std::string_view part : parts) size += part.size();
    char* const text = room_for(size);
    std::size_t at = 0;
    for (const std::string_view part : parts) {
      part.copy(text + at, part.size());
      at += part.size();
    }
    return {text, size};
  }

 private:
  static constexpr std::size_t kBlock = 1024;  // an INVITE's new rows

  char* room_for(std::size_t size) {
    if (size > left_) {
      left_ = std::max(size, kBlock);
      next_ = blocks_.emplace_back(std::make_unique_for_overwrite<char[]>(left_)).get();
    }
    char* const room = next_;
    next_ += size;
    left_ -= size;
    return room;
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace ringtrace::sip
