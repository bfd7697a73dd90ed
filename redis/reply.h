#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrace::redis {

/// One reply of Redis as a tree of values.
struct Reply {
  enum class Kind : std::uint8_t { kNil, kString, kStatus, kError, kInteger, kArray };

  Kind kind = Kind::kNil;
  std::int64_t integer = 0;     ///< kInteger
  std::string text;             ///< kString, kStatus, kError
  std::vector<Reply> elements;  ///< kArray

  bool is_nil() const { return kind == Kind::kNil; }
  bool is_error() const { return kind == Kind::kError; }
  bool is_array() const { return kind == Kind::kArray; }

  /// True for a string or status of exactly that text.
  bool is(std::string_view expected) const {
    return (kind == Kind::kString || kind == Kind::kStatus) && text == expected;
  }

  /// True for an error that begins with that code, such as "OOM".
  bool is_error(std::string_view code) const { return is_error() && text.starts_with(code); }

  /// The integer, or a string's text as one; none for anything else.
  std::optional<std::int64_t> as_integer() const;
};

}  // namespace ringtrace::redis
