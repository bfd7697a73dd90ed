#include "proto/json_text.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ringtrace {
namespace {

using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
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

void write_timestamp(std::string& out, const Timestamp& time) {
  constexpr std::int64_t kFirst = -62'135'596'800;
  constexpr std::int64_t kLast = 253'402'300'799;
  const std::chrono::sys_seconds at{std::chrono::seconds(std::clamp(time.seconds(), kFirst, kLast))};
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
  write_fraction(out, static_cast<std::uint32_t>(std::clamp(time.nanos(), 0, 999'999'999)));
  out += "Z\"";
}

void write_duration(std::string& out, const Duration& duration) {
  out += '"';
  if (duration.seconds() < 0 || duration.nanos() < 0) out += '-';
  const auto seconds = duration.seconds();
  write_number(out,
               seconds < 0 ? 0 - static_cast<std::uint64_t>(seconds) : static_cast<std::uint64_t>(seconds));
  const std::int32_t nanos = std::clamp(duration.nanos(), -999'999'999, 999'999'999);
  write_fraction(out, static_cast<std::uint32_t>(nanos < 0 ? -nanos : nanos));
  out += "s\"";
}

void write_message(std::string& out, const Message& message);

// A message and what reads it, asked for once: the library looks each time whether its descriptors are built.
struct Opened {
  explicit Opened(const Message& opened) : message(opened), reflection(*opened.GetReflection()) {}

  const Message& message;
  const Reflection& reflection;
};

// One value; `index` of a repeated field, -1 for the only one.
void write_value(std::string& out, const Opened& opened, const FieldDescriptor& field, int index) {
  const auto& [message, reflection] = opened;
  const auto get = [&](auto single, auto repeated) {
    return index < 0 ? (opened.reflection.*single)(opened.message, &field)
                     : (opened.reflection.*repeated)(opened.message, &field, index);
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return write_number(out, get(&Reflection::GetInt32, &Reflection::GetRepeatedInt32));
    case FieldDescriptor::CPPTYPE_UINT32:
      return write_number(out, get(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32));
    // 64 bits as text: a JSON number is a double to most readers.
    case FieldDescriptor::CPPTYPE_INT64:
      out += '"';
      write_number(out, get(&Reflection::GetInt64, &Reflection::GetRepeatedInt64));
      out += '"';
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      out += '"';
      write_number(out, get(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64));
      out += '"';
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return write_real(out, get(&Reflection::GetDouble, &Reflection::GetRepeatedDouble));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return write_real(out, get(&Reflection::GetFloat, &Reflection::GetRepeatedFloat));
    case FieldDescriptor::CPPTYPE_BOOL:
      out += get(&Reflection::GetBool, &Reflection::GetRepeatedBool) ? "true" : "false";
      return;
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = get(&Reflection::GetEnumValue, &Reflection::GetRepeatedEnumValue);
      const auto* value = field.enum_type()->FindValueByNumber(number);
      return value == nullptr ? write_number(out, number) : write_text(out, value->name());
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return write_text(out, index < 0
                                 ? reflection.GetStringReference(message, &field, &scratch)
                                 : reflection.GetRepeatedStringReference(message, &field, index, &scratch));
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return write_message(out, index < 0 ? reflection.GetMessage(message, &field)
                                          : reflection.GetRepeatedMessage(message, &field, index));
  }
}

// The key of a map's entry: always text.
void write_key(std::string& out, const Message& entry) {
  const FieldDescriptor& key = *entry.GetDescriptor()->map_key();
  const std::size_t begin = out.size();
  write_value(out, Opened(entry), key, -1);
  if (out[begin] == '"') return;
  out.insert(begin, 1, '"');
  out += '"';
}

void write_map(std::string& out, const Opened& opened, const FieldDescriptor& field) {
  const auto& [message, reflection] = opened;
  out += '{';
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (i > 0) out += ',';
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    write_key(out, entry);
    out += ':';
    write_value(out, Opened(entry), *entry.GetDescriptor()->map_value(), -1);
  }
  out += '}';
}

// What is the same for all messages of a type: asked of the library it costs more than the values do.
struct FieldOfType {
  explicit FieldOfType(const FieldDescriptor& described)
      : field(&described),
        name('"' + described.name() + "\":"),
        is_map(described.is_map()),
        is_repeated(described.is_repeated()),
        is_plain_text(described.cpp_type() == FieldDescriptor::CPPTYPE_STRING && !is_repeated &&
                      !described.has_presence()) {}

  const FieldDescriptor* field;
  std::string name;  // as it is written before the value
  bool is_map;
  bool is_repeated;
  bool is_plain_text;  // one text, which is there when it is not empty
};

const std::vector<FieldOfType>& fields_of(const google::protobuf::Descriptor& type) {
  thread_local std::unordered_map<const google::protobuf::Descriptor*, std::vector<FieldOfType>> known;
  const auto [found, is_new] = known.try_emplace(&type);
  if (!is_new) return found->second;
  for (int i = 0; i < type.field_count(); ++i) found->second.emplace_back(*type.field(i));
  std::sort(found->second.begin(), found->second.end(),
            [](const FieldOfType& a, const FieldOfType& b) { return a.field->number() < b.field->number(); });
  return found->second;
}

void write_repeated(std::string& out, const Opened& opened, const FieldDescriptor& field) {
  out += '[';
  for (int i = 0; i < opened.reflection.FieldSize(opened.message, &field); ++i) {
    if (i > 0) out += ',';
    write_value(out, opened, field, i);
  }
  out += ']';
}

// Writes a field as the library lists them: those that are set, or hold anything but their default.
void write_field(std::string& out, const Opened& opened, const FieldOfType& of_type) {
  const auto& [message, reflection] = opened;
  const FieldDescriptor& field = *of_type.field;
  const auto begin = [&] {
    if (out.back() != '{') out += ',';
    out.append(of_type.name);
  };
  if (of_type.is_plain_text) {
    std::string scratch;
    const std::string& text = reflection.GetStringReference(message, &field, &scratch);
    if (text.empty()) return;
    begin();
    write_text(out, text);
  } else if (of_type.is_repeated) {
    if (reflection.FieldSize(message, &field) == 0) return;
    begin();
    of_type.is_map ? write_map(out, opened, field) : write_repeated(out, opened, field);
  } else if (reflection.HasField(message, &field)) {
    begin();
    write_value(out, opened, field, -1);
  }
}

void write_message(std::string& out, const Message& message) {
  static const auto* const kTimestamp = Timestamp::descriptor();
  static const auto* const kDuration = Duration::descriptor();
  const auto* type = message.GetDescriptor();
  if (type == kTimestamp) return write_timestamp(out, static_cast<const Timestamp&>(message));
  if (type == kDuration) return write_duration(out, static_cast<const Duration&>(message));
  const Opened opened(message);
  out += '{';
  for (const FieldOfType& of_type : fields_of(*type)) write_field(out, opened, of_type);
  out += '}';
}

}  // namespace

std::string to_json(const Message& message) {
  std::string out;
  out.reserve(1024);
  write_message(out, message);
  return out;
}

}  // namespace ringtrace
