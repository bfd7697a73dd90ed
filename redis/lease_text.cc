#include "redis/lease_text.h"

#include <ringtrace/v1/visit.pb.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "proto/json_reader.h"
#include "proto/json_text.h"

namespace ringtrace::redis {
namespace {

// Of a length that is for good.
constexpr std::string_view kEnded = "ended:";
// Milliseconds: a span of 30,000 years, so that sums of times are times.
constexpr std::int64_t kMost = 1'000'000'000'000'000;

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

/// Milliseconds since the epoch.
std::optional<pool::Time> parse_time(std::string_view word) {
  const auto count = parse_integer<std::int64_t>(word);
  if (!count || *count < 0 || *count > kMost) return std::nullopt;
  return pool::Time(pool::Duration(*count));
}

/// Milliseconds, or seconds and an "s".
void append_span(std::string& out, pool::Duration span) {
  const bool whole = span.count() % 1000 == 0;
  append_integer(out, whole ? span.count() / 1000 : span.count());
  if (whole) out += 's';
}

std::optional<pool::Duration> parse_span(std::string_view word) {
  const bool is_seconds = word.ends_with('s');
  if (is_seconds) word.remove_suffix(1);
  const auto count = parse_integer<std::int64_t>(word);
  if (!count || *count < 0 || *count > kMost / 1000) return std::nullopt;
  return pool::Duration(is_seconds ? *count * 1000 : *count);
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
  append_span(text, std::max(record.expire - record.start, pool::Duration::zero()));
  text += ' ';
  append_span(text, record.hold);
  text += ' ';
  append_word(text, record.source);
  text += ' ';
  append_word(text, record.visitor_id);
  text += ' ';
  text += record.visit_id;
  return text;
}

std::optional<LoadedLease> parse_lease(pool::Number number, std::string_view text) {
  const auto start = parse_time(take_word(text));
  std::string_view length = take_word(text);
  const bool is_over = length.starts_with(kEnded);
  if (is_over) length.remove_prefix(kEnded.size());
  const auto lasts = parse_span(length);
  const auto hold = parse_span(take_word(text));
  LoadedLease lease;
  lease.source = unescape_word(take_word(text));
  lease.visitor_id = unescape_word(take_word(text));
  lease.visit_id = std::string(text);
  if (!start || !lasts || !hold || lease.visit_id.empty()) return std::nullopt;
  lease.number = number;
  lease.start = *start;
  lease.expire = *start + *lasts;
  if (is_over) lease.ended = lease.expire;
  lease.hold = *hold;
  return lease;
}

std::optional<Holder> parse_holder(std::string_view text) {
  const auto shown = parse_time(take_word(text));
  const auto end = parse_time(take_word(text));
  if (!shown || !end) return std::nullopt;
  Holder holder;
  holder.shown = *shown;
  holder.end = *end;
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
  if (!from_json(json, attributes)) return {};
  return attributes.SerializeAsString();
}

}  // namespace ringtrace::redis
