#include "redis/lease_text.h"

#include <google/protobuf/util/json_util.h>
#include <ringtrace/v1/visit.pb.h>

#include <array>
#include <charconv>

#include "proto/json_text.h"

namespace ringtrace::redis {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

bool is_plain(unsigned char c) { return c > 0x20 && c != '%' && c != 0x7F; }

/// Cuts the text's first word off.
std::string_view take_word(std::string_view& text) {
  const auto end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

/// As escape_word says.
void append_word(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += '-';
    return;
  }
  if (text == "-") {
    out += "%2D";
    return;
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain(byte)) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4U], kHex[byte & 0xFU]};
    }
  }
}

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 24> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

template <typename Integer>
std::optional<Integer> parse_integer(std::string_view word) {
  Integer value = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, problem] = std::from_chars(word.data(), end, value);
  if (problem != std::errc{} || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::string escape_word(std::string_view text) {
  std::string word;
  append_word(word, text);
  return word;
}

std::string unescape_word(std::string_view word) {
  if (word == "-") return {};
  std::string text;
  text.reserve(word.size());
  for (std::size_t i = 0; i < word.size(); ++i) {
    unsigned value = 0;
    if (word[i] == '%' && i + 2 < word.size()) {
      const auto [stop, problem] = std::from_chars(word.data() + i + 1, word.data() + i + 3, value, 16);
      if (problem == std::errc{} && stop == word.data() + i + 3) {
        text += static_cast<char>(value);
        i += 2;
        continue;
      }
    }
    text += word[i];
  }
  return text;
}

std::string to_lease_text(const pool::LeaseRecord& record) {
  std::string text;
  text.reserve(64 + record.source.size() + record.visitor_id.size() + record.visit_id.size());
  append_integer(text, record.start.time_since_epoch().count());
  text += ' ';
  append_integer(text, record.expire.time_since_epoch().count());
  text += " 0 ";
  append_integer(text, record.hold.count());
  text += ' ';
  append_word(text, record.source);
  text += ' ';
  append_word(text, record.visitor_id);
  text += ' ';
  text += record.visit_id;
  return text;
}

std::optional<LoadedLease> parse_lease(std::string_view digits, std::string_view text) {
  const auto number = parse_integer<std::uint64_t>(digits);
  const auto known = number ? pool::Number::from_digits(*number) : std::nullopt;
  std::array<std::int64_t, 4> times{};
  for (std::int64_t& time : times) {
    const auto value = parse_integer<std::int64_t>(take_word(text));
    if (!value || *value < 0) return std::nullopt;
    time = *value;
  }
  LoadedLease lease;
  lease.source = unescape_word(take_word(text));
  lease.visitor_id = unescape_word(take_word(text));
  lease.visit_id = std::string(text);
  if (!known || lease.visit_id.empty()) return std::nullopt;
  lease.number = *known;
  lease.start = pool::Time(pool::Duration(times[0]));
  lease.expire = pool::Time(pool::Duration(times[1]));
  if (times[2] != 0) lease.ended = pool::Time(pool::Duration(times[2]));
  lease.hold = pool::Duration(times[3]);
  return lease;
}

std::optional<Holder> parse_holder(std::string_view text) {
  const auto shown = parse_integer<std::int64_t>(take_word(text));
  const auto end = parse_integer<std::int64_t>(take_word(text));
  if (!shown || !end) return std::nullopt;
  Holder holder;
  holder.shown = pool::Time(pool::Duration(*shown));
  holder.end = pool::Time(pool::Duration(*end));
  holder.source = unescape_word(take_word(text));
  holder.visitor_id = unescape_word(take_word(text));
  holder.visit_id = std::string(text);
  if (holder.visit_id.empty()) return std::nullopt;
  return holder;
}

std::string attributes_to_json(const std::string& bytes) {
  v1::VisitAttributes attributes;
  if (bytes.empty() || !attributes.ParseFromString(bytes)) return {};
  return to_json(attributes);
}

std::string attributes_from_json(const std::string& json) {
  v1::VisitAttributes attributes;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  if (!google::protobuf::util::JsonStringToMessage(json, &attributes, options).ok()) return {};
  return attributes.SerializeAsString();
}

}  // namespace ringtrace::redis
