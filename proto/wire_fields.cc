#include "proto/wire_fields.h"

#include <cstddef>

namespace ringtrace {

bool take_varint(std::string_view& bytes, std::uint64_t& value) {
  constexpr std::size_t kLongest = 10;
  value = 0;
  for (std::size_t i = 0; i < bytes.size() && i < kLongest; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    value |= std::uint64_t{byte & 0x7FU} << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool take_fixed(std::string_view& bytes, std::size_t size, std::uint64_t& value) {
  if (bytes.size() < size) return false;
  value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  bytes.remove_prefix(size);
  return true;
}

bool WireFields::next(WireField& field) {
  if (rest_.empty() || malformed_) return false;
  malformed_ = true;  // until the whole field has been read
  std::uint64_t tag = 0;
  if (!take_varint(rest_, tag) || tag >> 3 == 0 || tag >> 32 != 0) return false;
  field = {static_cast<std::uint32_t>(tag >> 3), static_cast<WireField::Kind>(tag & 7), 0, {}};
  switch (field.kind) {
    case WireField::Kind::kVarint:
      if (!take_varint(rest_, field.value)) return false;
      break;
    case WireField::Kind::kFixed64:
      if (!take_fixed(rest_, 8, field.value)) return false;
      break;
    case WireField::Kind::kFixed32:
      if (!take_fixed(rest_, 4, field.value)) return false;
      break;
    case WireField::Kind::kBytes: {
      std::uint64_t size = 0;
      if (!take_varint(rest_, size) || size > rest_.size()) return false;
      field.bytes = rest_.substr(0, size);
      rest_.remove_prefix(size);
      break;
    }
    default:
      return false;
  }
  malformed_ = false;
  return true;
}

std::string_view bytes_of_field(std::string_view message, std::uint32_t number) {
  WireFields fields(message);
  for (WireField field; fields.next(field);)
    if (field.number == number && field.kind == WireField::Kind::kBytes) return field.bytes;
  return {};
}

}  // namespace ringtrace
