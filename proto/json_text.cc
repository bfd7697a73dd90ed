#include "proto/json_text.h"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ringtrace {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::Timestamp;

// Characters that stand for themselves in a text.
constexpr std::array<bool, 256> kUsual = [] {
  std::array<bool, 256> usual{};
  for (std::size_t c = 0x20; c < usual.size(); ++c) usual[c] = c != '"' && c != '\\';
  return usual;
}();

void write_text(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto stands_for_itself = [](char c) { return kUsual[static_cast<unsigned char>(c)]; };
  out += '"';
  while (!text.empty()) {
    const auto odd = std::find_if_not(text.begin(), text.end(), stands_for_itself);
    const auto usual = static_cast<std::size_t>(odd - text.begin());
    out.append(text.substr(0, usual));
    text.remove_prefix(usual);
    if (text.empty()) break;
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte >= 0x20) {
      out += '\\';
      out += text.front();
    } else {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 0xF];
    }
    text.remove_prefix(1);
  }
  out += '"';
}

template <typename Number>
void write_number(std::string& out, Number value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, end.ptr);
}

void write_padded(std::string& out, std::uint64_t value, std::size_t width) {
  char buffer[20];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value);
  const auto size = static_cast<std::size_t>(end.ptr - buffer);
  out.append(width > size ? width - size : 0, '0').append(buffer, size);
}

template <typename Real>
void write_real(std::string& out, Real value) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    write_number(out, value);
  }
}

// 0, 3, 6 or 9 digits, as many as it takes.
void write_fraction(std::string& out, std::uint32_t nanos) {
  if (nanos == 0) return;
  out += '.';
  if (nanos % 1'000'000 == 0) return write_padded(out, nanos / 1'000'000, 3);
  if (nanos % 1'000 == 0) return write_padded(out, nanos / 1'000, 6);
  write_padded(out, nanos, 9);
}

// Seconds and nanoseconds, as Timestamp and Duration alike have them.
struct Seconds {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
};

bool read_seconds(std::string_view bytes, Seconds& time) {
  static_assert(int{Timestamp::kSecondsFieldNumber} == int{Duration::kSecondsFieldNumber});
  static_assert(int{Timestamp::kNanosFieldNumber} == int{Duration::kNanosFieldNumber});
  WireFields fields(bytes);
  for (WireField field; fields.next(field);) {
    if (field.kind != WireField::Kind::kVarint) continue;
    if (field.number == Timestamp::kSecondsFieldNumber) time.seconds = static_cast<std::int64_t>(field.value);
    if (field.number == Timestamp::kNanosFieldNumber) time.nanos = static_cast<std::int32_t>(field.value);
  }
  return !fields.is_malformed();
}

void write_timestamp(std::string& out, const Seconds& time) {
  constexpr std::int64_t kFirst = -62'135'596'800;
  constexpr std::int64_t kLast = 253'402'300'799;
  const std::chrono::sys_seconds at{std::chrono::seconds(std::clamp(time.seconds, kFirst, kLast))};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(at - day);
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  std::array<char, 20> text{'"', 0, 0, 0, 0, '-', 0, 0, '-', 0, 0, 'T', 0, 0, ':', 0, 0, ':', 0, 0};
  const auto put = [&text](std::size_t place, auto value) {
    text[place] = static_cast<char>('0' + value / 10);
    text[place + 1] = static_cast<char>('0' + value % 10);
  };
  put(1, year / 100);
  put(3, year % 100);
  put(6, static_cast<unsigned>(date.month()));
  put(9, static_cast<unsigned>(date.day()));
  put(12, clock.hours().count());
  put(15, clock.minutes().count());
  put(18, clock.seconds().count());
  out.append(text.data(), text.size());
  write_fraction(out, static_cast<std::uint32_t>(std::clamp(time.nanos, 0, 999'999'999)));
  out += "Z\"";
}

void write_duration(std::string& out, const Seconds& duration) {
  out += '"';
  if (duration.seconds < 0 || duration.nanos < 0) out += '-';
  const auto seconds = duration.seconds;
  write_number(out,
               seconds < 0 ? 0 - static_cast<std::uint64_t>(seconds) : static_cast<std::uint64_t>(seconds));
  const std::int32_t nanos = std::clamp(duration.nanos, -999'999'999, 999'999'999);
  write_fraction(out, static_cast<std::uint32_t>(nanos < 0 ? -nanos : nanos));
  out += "s\"";
}

struct FieldsOfType;

// What is the same for all messages of a type: asked of the library it costs more than the values do.
struct FieldOfType {
  explicit FieldOfType(const FieldDescriptor& described)
      : field(&described),
        name('"' + described.name() + "\":"),
        kind(kind_of(described)),
        is_map(described.is_map()),
        is_repeated(described.is_repeated()) {}

  static WireField::Kind kind_of(const FieldDescriptor& described) {
    switch (described.type()) {
      case FieldDescriptor::TYPE_DOUBLE:
      case FieldDescriptor::TYPE_FIXED64:
      case FieldDescriptor::TYPE_SFIXED64:
        return WireField::Kind::kFixed64;
      case FieldDescriptor::TYPE_FLOAT:
      case FieldDescriptor::TYPE_FIXED32:
      case FieldDescriptor::TYPE_SFIXED32:
        return WireField::Kind::kFixed32;
      case FieldDescriptor::TYPE_STRING:
      case FieldDescriptor::TYPE_MESSAGE:
      case FieldDescriptor::TYPE_BYTES:
      case FieldDescriptor::TYPE_GROUP:
        return WireField::Kind::kBytes;
      default:
        return WireField::Kind::kVarint;
    }
  }

  const FieldDescriptor* field;
  std::string name;  // as it is written before the value
  WireField::Kind kind;
  bool is_map;
  bool is_repeated;
  mutable const FieldsOfType* type = nullptr;  // of a message; looked up when it is needed first
};

struct FieldsOfType {
  enum class Form : std::uint8_t { kFields, kTimestamp, kDuration };

  explicit FieldsOfType(const Descriptor& described)
      : form(&described == Timestamp::descriptor()  ? Form::kTimestamp
             : &described == Duration::descriptor() ? Form::kDuration
                                                    : Form::kFields) {
    for (int i = 0; i < described.field_count(); ++i) fields.emplace_back(*described.field(i));
    std::sort(fields.begin(), fields.end(), [](const FieldOfType& a, const FieldOfType& b) {
      return a.field->number() < b.field->number();
    });
  }

  const FieldOfType* find(std::uint32_t number) const {
    const auto found =
        std::lower_bound(fields.begin(), fields.end(), static_cast<int>(number),
                         [](const FieldOfType& field, int wanted) { return field.field->number() < wanted; });
    return found == fields.end() || found->field->number() != static_cast<int>(number) ? nullptr : &*found;
  }

  Form form;
  std::vector<FieldOfType> fields;
};

const FieldsOfType& fields_of(const Descriptor& type) {
  thread_local std::unordered_map<const Descriptor*, std::unique_ptr<const FieldsOfType>> known;
  auto& found = known[&type];
  if (!found) found = std::make_unique<const FieldsOfType>(type);
  return *found;
}

const FieldsOfType& type_of(const FieldOfType& of_type) {
  if (of_type.type == nullptr) of_type.type = &fields_of(*of_type.field->message_type());
  return *of_type.type;
}

std::int64_t from_zigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

// 64 bits as text: a JSON number is a double to most readers.
template <typename Number>
void write_long(std::string& out, Number value) {
  out += '"';
  write_number(out, value);
  out += '"';
}

// A number, a truth or an enum's value by its bits.
void write_bits(std::string& out, const FieldDescriptor& field, std::uint64_t bits) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_INT32:
    case FieldDescriptor::TYPE_SFIXED32:
      return write_number(out, static_cast<std::int32_t>(bits));
    case FieldDescriptor::TYPE_SINT32:
      return write_number(out, static_cast<std::int32_t>(from_zigzag(bits & 0xFFFF'FFFFU)));
    case FieldDescriptor::TYPE_UINT32:
    case FieldDescriptor::TYPE_FIXED32:
      return write_number(out, static_cast<std::uint32_t>(bits));
    case FieldDescriptor::TYPE_INT64:
    case FieldDescriptor::TYPE_SFIXED64:
      return write_long(out, static_cast<std::int64_t>(bits));
    case FieldDescriptor::TYPE_SINT64:
      return write_long(out, from_zigzag(bits));
    case FieldDescriptor::TYPE_UINT64:
    case FieldDescriptor::TYPE_FIXED64:
      return write_long(out, bits);
    case FieldDescriptor::TYPE_DOUBLE:
      return write_real(out, std::bit_cast<double>(bits));
    case FieldDescriptor::TYPE_FLOAT:
      return write_real(out, std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    case FieldDescriptor::TYPE_BOOL:
      out += bits != 0 ? "true" : "false";
      return;
    default: {
      const auto number = static_cast<std::int32_t>(bits);
      const auto* value = field.enum_type()->FindValueByNumber(number);
      return value == nullptr ? write_number(out, number) : write_text(out, value->name());
    }
  }
}

bool write_message(std::string& out, const FieldsOfType& type, std::string_view bytes,
                   const FieldFilter& wanted);

bool write_value(std::string& out, const FieldOfType& of_type, const WireField& value,
                 const FieldFilter& wanted) {
  if (of_type.kind != WireField::Kind::kBytes) {
    write_bits(out, *of_type.field, value.value);
  } else if (of_type.field->type() == FieldDescriptor::TYPE_MESSAGE) {
    return write_message(out, type_of(of_type), value.bytes, wanted);
  } else {
    write_text(out, value.bytes);
  }
  return true;
}

// Numbers that follow one another in one field.
bool write_packed(std::string& out, const FieldOfType& of_type, std::string_view bytes) {
  for (bool first = true; !bytes.empty(); first = false) {
    std::uint64_t bits = 0;
    const bool read = of_type.kind == WireField::Kind::kVarint
                          ? take_varint(bytes, bits)
                          : take_fixed(bytes, of_type.kind == WireField::Kind::kFixed64 ? 8 : 4, bits);
    if (!read) return false;
    if (!first) out += ',';
    write_bits(out, *of_type.field, bits);
  }
  return true;
}

// The key of a map's entry is always text; a key or value that is not there is its type's nothing.
bool write_entry(std::string& out, const FieldOfType& of_type, std::string_view bytes,
                 const FieldFilter& wanted) {
  const std::vector<FieldOfType>& parts = type_of(of_type).fields;  // key and value
  std::array<WireField, 2> found;
  for (std::size_t i = 0; i < found.size(); ++i) found[i].kind = parts[i].kind;
  WireFields fields(bytes);
  for (WireField field; fields.next(field);)
    for (std::size_t i = 0; i < found.size(); ++i)
      if (field.number == i + 1 && field.kind == parts[i].kind) found[i] = field;
  if (fields.is_malformed()) return false;
  const std::size_t begin = out.size();
  write_value(out, parts[0], found[0], wanted);
  if (out[begin] != '"') {
    out.insert(begin, 1, '"');
    out += '"';
  }
  out += ':';
  return write_value(out, parts[1], found[1], wanted);
}

bool write_fields(std::string& out, const FieldsOfType& type, std::string_view bytes,
                  const FieldFilter& wanted) {
  const FieldOfType* list = nullptr;  // that has been begun
  const auto end_list = [&] {
    if (list != nullptr) out += list->is_map ? '}' : ']';
    list = nullptr;
  };
  out += '{';
  WireFields fields(bytes);
  for (WireField field; fields.next(field);) {
    const FieldOfType* const of_type = type.find(field.number);
    if (of_type == nullptr) continue;  // of a newer program
    const bool packed =
        of_type->is_repeated && field.kind == WireField::Kind::kBytes && of_type->kind != field.kind;
    if (field.kind != of_type->kind && !packed) continue;
    if (wanted && !wanted(*of_type->field, field)) continue;
    if (of_type == list) {
      out += ',';
    } else {
      end_list();
      if (out.back() != '{') out += ',';
      out += of_type->name;
      if (of_type->is_repeated) {
        list = of_type;
        out += of_type->is_map ? '{' : '[';
      }
    }
    const bool written = packed            ? write_packed(out, *of_type, field.bytes)
                         : of_type->is_map ? write_entry(out, *of_type, field.bytes, wanted)
                                           : write_value(out, *of_type, field, wanted);
    if (!written) return false;
  }
  end_list();
  out += '}';
  return !fields.is_malformed();
}

bool write_message(std::string& out, const FieldsOfType& type, std::string_view bytes,
                   const FieldFilter& wanted) {
  if (type.form == FieldsOfType::Form::kFields) return write_fields(out, type, bytes, wanted);
  Seconds time;
  if (!read_seconds(bytes, time)) return false;
  type.form == FieldsOfType::Form::kTimestamp ? write_timestamp(out, time) : write_duration(out, time);
  return true;
}

}  // namespace

bool append_json(const Descriptor& type, std::string_view bytes, std::string& out,
                 const FieldFilter& wanted) {
  return write_message(out, fields_of(type), bytes, wanted);
}

std::string to_json(const google::protobuf::Message& message) {
  std::string out;
  const std::string bytes = message.SerializeAsString();
  out.reserve(3 * bytes.size());
  append_json(*message.GetDescriptor(), bytes, out);
  return out;
}

}  // namespace ringtrace
