#pragma once

#include <cstdint>
#include <string_view>

namespace ringtrace {

/// One field as it stands in a serialized message.
struct WireField {
  enum class Kind : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  std::uint32_t number = 0;
  Kind kind = Kind::kVarint;
  std::uint64_t value = 0;  ///< of a number: its bits
  std::string_view bytes;   ///< of a text, a message or packed numbers
};

/// The fields of a serialized message, one after the other: for a look at some of them without making the
/// message (protobuf.dev/programming-guides/encoding). What a message does not have is not there; groups
/// count as malformed.
class WireFields {
 public:
  /// `bytes` outlives it.
  explicit WireFields(std::string_view bytes) : rest_(bytes) {}

  /// The next one; false at the end, and where the bytes go on as no message does.
  bool next(WireField& field);

  /// Asked after the end: the bytes were no message.
  bool is_malformed() const { return malformed_; }

 private:
  std::string_view rest_;
  bool malformed_ = false;
};

/// Cuts the first varint off; false when there is none.
bool take_varint(std::string_view& bytes, std::uint64_t& value);

/// Cuts a little-endian number of `size` (4 or 8) bytes off; false when there are fewer.
bool take_fixed(std::string_view& bytes, std::size_t size, std::uint64_t& value);

/// The text or message in a field of that number; empty when there is none.
std::string_view bytes_of_field(std::string_view message, std::uint32_t number);

}  // namespace ringtrace
