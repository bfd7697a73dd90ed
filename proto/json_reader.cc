#include "proto/json_reader.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "proto/utf8.h"

namespace ringtrace {
namespace {

using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;

/// Messages and lists inside one another.
constexpr int kMaxDepth = 100;

bool is_number(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

template <typename Number>
std::optional<Number> parse(std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// JSON's form of a number (RFC 8259 section 6) is narrower than from_chars': no zeros before it, a digit
/// before and behind the point.
bool is_json_number(std::string_view text) {
  const auto digits = [&text] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

/// "-1.5s" (google/protobuf/duration.proto).
bool parse_duration(std::string_view text, Duration& duration) {
  constexpr std::int64_t kMostSeconds = 315'576'000'000;
  constexpr std::size_t kDigits = 9;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (!text.ends_with('s')) return false;
  text.remove_suffix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  const auto seconds = parse<std::int64_t>(text.substr(0, point));
  if (!seconds || *seconds < 0 || *seconds > kMostSeconds || text.front() == '-') return false;
  std::optional<std::int32_t> nanos = 0;
  if (point < text.size()) {
    std::string fraction(text.substr(point + 1));
    if (fraction.empty() || fraction.size() > kDigits || fraction.front() == '-') return false;
    nanos = parse<std::int32_t>(fraction.append(kDigits - fraction.size(), '0'));
    if (!nanos) return false;
  }
  duration.set_seconds(negative ? -*seconds : *seconds);
  duration.set_nanos(negative ? -*nanos : *nanos);
  return true;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  const auto follow = [&](unsigned shift) { put(0x80U | (point >> shift & 0x3FU)); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xC0U | point >> 6U);
  } else {
    if (point < 0x10000) {
      put(0xE0U | point >> 12U);
    } else {
      put(0xF0U | point >> 18U);
      follow(12);
    }
    follow(6);
  }
  follow(0);
}

/// Reads from the front of a text. Every member is false where the text goes on as it must not.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool whole(Message& message) {
    if (!read(message)) return false;
    skip_space();
    return rest_.empty();
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

  /// Cuts the character off when it is next.
  bool take(char c) {
    skip_space();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_word(std::string_view word) {
    skip_space();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  /// The members of an object or list: `one` reads each.
  template <typename One>
  bool read_list(char begin, char end, const One& one) {
    if (!take(begin) || ++depth_ > kMaxDepth) return false;
    if (!take(end)) {
      do {
        if (!one()) return false;
      } while (take(','));
      if (!take(end)) return false;
    }
    --depth_;
    return true;
  }

  bool read_hex(std::uint32_t& value) {
    if (rest_.size() < 4) return false;
    const auto [stop, problem] = std::from_chars(rest_.data(), rest_.data() + 4, value, 16);
    if (problem != std::errc() || stop != rest_.data() + 4) return false;
    rest_.remove_prefix(4);
    return true;
  }

  /// What stands behind a backslash.
  bool read_escape(std::string& text) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (const std::size_t found = kNames.find(c); found != std::string_view::npos) {
      text += kMeant[found];
      return true;
    }
    std::uint32_t point = 0;
    if (c != 'u' || !read_hex(point)) return false;
    if (point >= 0xD800 && point < 0xDC00) {  // of a pair
      std::uint32_t low = 0;
      if (!rest_.starts_with("\\u")) return false;
      rest_.remove_prefix(2);
      if (!read_hex(low) || low < 0xDC00 || low > 0xDFFF) return false;
      point = 0x10000 + ((point - 0xD800) << 10U) + (low - 0xDC00);
    } else if (point >= 0xDC00 && point <= 0xDFFF) {
      return false;
    }
    append_utf8(text, point);
    return true;
  }

  bool read_text(std::string& text) {
    if (!take('"')) return false;
    text.clear();
    for (;;) {
      std::size_t usual = 0;
      while (usual < rest_.size() && static_cast<unsigned char>(rest_[usual]) >= 0x20 &&
             rest_[usual] != '"' && rest_[usual] != '\\') {
        ++usual;
      }
      text.append(rest_.substr(0, usual));
      rest_.remove_prefix(usual);
      if (rest_.empty()) return false;
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return is_utf8(text);
      if (c != '\\' || !read_escape(text)) return false;
    }
  }

  /// A number, in quotes or not, as it stands.
  bool read_number(std::string_view& number) {
    const bool quoted = take('"');
    std::size_t size = 0;
    while (size < rest_.size() && is_number(rest_[size])) ++size;
    number = rest_.substr(0, size);
    rest_.remove_prefix(size);
    if (quoted && !rest_.starts_with('"')) return false;
    if (quoted) rest_.remove_prefix(1);
    return is_json_number(number);
  }

  template <typename Number>
  bool read_whole(Number& value) {
    std::string_view number;
    if (!read_number(number)) return false;
    const auto parsed = parse<Number>(number);
    if (parsed) value = *parsed;
    return parsed.has_value();
  }

  bool read_real(double& value) {
    using Limits = std::numeric_limits<double>;
    if (take_word("\"NaN\"")) return value = Limits::quiet_NaN(), true;
    if (take_word("\"Infinity\"")) return value = Limits::infinity(), true;
    if (take_word("\"-Infinity\"")) return value = -Limits::infinity(), true;
    return read_whole(value);
  }

  bool read_float(float& value) {
    double real = 0;
    if (!read_real(real)) return false;
    if (std::isfinite(real) && std::fabs(real) > std::numeric_limits<float>::max()) return false;
    value = static_cast<float>(real);
    return true;
  }

  /// In quotes where it is a map's key.
  bool read_truth(bool& value) {
    value = take_word("true") || take_word("\"true\"");
    return value || take_word("false") || take_word("\"false\"");
  }

  /// By its name or its number. A name that the enum does not know is nothing.
  bool read_enum(Message& message, const FieldDescriptor& field) {
    int number = 0;
    skip_space();
    if (!rest_.starts_with('"')) {
      if (!read_whole(number)) return false;
    } else {
      if (!read_text(text_)) return false;
      const auto* const known = field.enum_type()->FindValueByName(text_);
      if (known == nullptr) return true;
      number = known->number();
    }
    const auto set = field.is_repeated() ? &Reflection::AddEnumValue : &Reflection::SetEnumValue;
    (message.GetReflection()->*set)(&message, &field, number);
    return true;
  }

  bool read_time(Message& message) {
    if (!read_text(text_)) return false;
    if (message.GetDescriptor() == Timestamp::descriptor()) {
      return TimeUtil::FromString(text_, static_cast<Timestamp*>(&message));
    }
    return parse_duration(text_, static_cast<Duration&>(message));
  }

  bool read(Message& message) {
    const auto& type = *message.GetDescriptor();
    if (&type == Timestamp::descriptor() || &type == Duration::descriptor()) return read_time(message);
    return read_list('{', '}', [&] {
      std::string name;
      if (!read_text(name) || !take(':')) return false;
      const FieldDescriptor* field = type.FindFieldByName(name);
      if (field == nullptr) field = type.FindFieldByCamelcaseName(name);
      return field == nullptr ? skip() : read_field(message, *field);
    });
  }

  bool read_field(Message& message, const FieldDescriptor& field) {
    if (take_word("null")) return true;
    if (field.is_map()) {
      return read_list('{', '}', [&] { return read_entry(message, field); });
    }
    if (field.is_repeated()) {
      return read_list('[', ']', [&] { return read_value(message, field); });
    }
    return read_value(message, field);
  }

  /// An entry of a map, whose key is text here whatever it is there.
  bool read_entry(Message& message, const FieldDescriptor& field) {
    Message& entry = *message.GetReflection()->AddMessage(&message, &field);
    return read_value(entry, *field.message_type()->map_key()) && take(':') &&
           read_value(entry, *field.message_type()->map_value());
  }

  template <typename Value>
  using Put = void (Reflection::*)(Message*, const FieldDescriptor*, Value) const;

  /// Sets the field to what `read` gives, or adds that to a list.
  template <typename Value, typename Read>
  bool put(Message& message, const FieldDescriptor& field, Put<Value> set, Put<Value> add, const Read& read) {
    Value value{};
    if (!read(value)) return false;
    (message.GetReflection()->*(field.is_repeated() ? add : set))(&message, &field, std::move(value));
    return true;
  }

  bool read_value(Message& message, const FieldDescriptor& field) {
    using R = Reflection;
    const auto whole = [this](auto& value) { return read_whole(value); };
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return put<std::int32_t>(message, field, &R::SetInt32, &R::AddInt32, whole);
      case FieldDescriptor::CPPTYPE_INT64:
        return put<std::int64_t>(message, field, &R::SetInt64, &R::AddInt64, whole);
      case FieldDescriptor::CPPTYPE_UINT32:
        return put<std::uint32_t>(message, field, &R::SetUInt32, &R::AddUInt32, whole);
      case FieldDescriptor::CPPTYPE_UINT64:
        return put<std::uint64_t>(message, field, &R::SetUInt64, &R::AddUInt64, whole);
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return put<double>(message, field, &R::SetDouble, &R::AddDouble,
                           [this](double& value) { return read_real(value); });
      case FieldDescriptor::CPPTYPE_FLOAT:
        return put<float>(message, field, &R::SetFloat, &R::AddFloat,
                          [this](float& value) { return read_float(value); });
      case FieldDescriptor::CPPTYPE_BOOL:
        return put<bool>(message, field, &R::SetBool, &R::AddBool,
                         [this](bool& value) { return read_truth(value); });
      case FieldDescriptor::CPPTYPE_STRING:
        return put<std::string>(message, field, &R::SetString, &R::AddString,
                                [this](std::string& value) { return read_text(value); });
      case FieldDescriptor::CPPTYPE_ENUM:
        return read_enum(message, field);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return read(field.is_repeated() ? *message.GetReflection()->AddMessage(&message, &field)
                                        : *message.GetReflection()->MutableMessage(&message, &field));
    }
    return false;
  }

  /// A value that nobody wants.
  bool skip() {
    skip_space();
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '{':
        return read_list('{', '}', [this] { return read_text(text_) && take(':') && skip(); });
      case '[':
        return read_list('[', ']', [this] { return skip(); });
      case '"':
        return read_text(text_);
      default:
        std::string_view number;
        return take_word("true") || take_word("false") || take_word("null") || read_number(number);
    }
  }

  std::string_view rest_;
  std::string text_;
  int depth_ = 0;
};

}  // namespace

bool from_json(std::string_view json, Message& message) { return Reader(json).whole(message); }

}  // namespace ringtrace
