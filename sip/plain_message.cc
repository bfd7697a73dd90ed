#include "sip/plain_message.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sip/endpoint.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

/// A set of characters that answers by one look.
class Characters {
 public:
  constexpr explicit Characters(std::string_view marks) {
    for (char c = 'a'; c <= 'z'; ++c) put(c);
    for (char c = 'A'; c <= 'Z'; ++c) put(c);
    for (char c = '0'; c <= '9'; ++c) put(c);
    for (const char c : marks) put(c);
  }
  bool holds(char c) const { return known_[static_cast<unsigned char>(c)]; }
  bool holds(std::string_view text) const {
    return std::all_of(text.begin(), text.end(), [this](char c) { return holds(c); });
  }

 private:
  constexpr void put(char c) { known_[static_cast<unsigned char>(c)] = true; }
  std::array<bool, 256> known_{};
};

constexpr Characters kUser("+-_.*~");
constexpr Characters kHost("-.");
constexpr Characters kToken("-._~*+!");
constexpr Characters kName("-._~*+");
constexpr Characters kValue("-._~*+:");
constexpr Characters kBracketed("-._~*+:[]");
constexpr Characters kWord("-._~*+!@:");
constexpr Characters kDisplayName("-._~*+! ,");

bool is_number(std::string_view text, std::size_t digits) {
  return !text.empty() && text.size() <= digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_plain_host(std::string_view host, std::string_view port, bool has_port) {
  if (host.starts_with('[')) {
    if (!IpAddress::parse(host)) return false;
  } else if (host.empty() || host.front() == '-' || host.front() == '.' || !kHost.holds(host)) {
    return false;
  }
  return has_port ? is_number(port, 5) : port.empty();
}

// "a=b;c": one parameter or more, each with a name, and with a value of these characters where it has "=".
bool are_plain(std::string_view parameters, const Characters& of_value) {
  bool is_value = false;
  std::size_t length = 0;  // of the name or value so far
  for (const char c : parameters) {
    if (c == ';' || c == '=') {
      if (length == 0 || (c == '=' && is_value)) return false;
      is_value = c == '=';
      length = 0;
    } else {
      if (!(is_value ? of_value : kName).holds(c)) return false;
      ++length;
    }
  }
  return length > 0;
}

// "host" or "host:port", an IPv6 address in brackets.
bool is_plain_place(std::string_view place) {
  const std::size_t bracket = place.starts_with('[') ? place.find(']') : 0;
  if (bracket == std::string_view::npos) return false;
  const std::size_t colon = place.find(':', bracket);
  const bool has_port = colon != std::string_view::npos;
  const std::string_view port = has_port ? place.substr(colon + 1) : std::string_view{};
  return is_plain_host(place.substr(0, colon), port, has_port);
}

bool is_plain_uri(std::string_view text) {
  if (!text.starts_with("sip:")) return false;
  text.remove_prefix(4);
  const std::size_t at = text.find('@');
  if (at != std::string_view::npos) {
    if (at == 0 || !kUser.holds(text.substr(0, at))) return false;
    text.remove_prefix(at + 1);
  }
  const std::size_t semicolon = std::min(text.find(';'), text.size());
  const std::string_view place = text.substr(0, semicolon);
  if (!is_plain_place(place)) return false;
  if (semicolon == text.size()) return true;
  return are_plain(text.substr(semicolon + 1), kBracketed);
}

// "<uri>", with a display name where one may be, and parameters behind it.
bool is_plain_address(std::string_view value, bool named) {
  if (named && value.starts_with('"')) {
    const std::size_t close = value.find('"', 1);
    if (close == std::string_view::npos || !kDisplayName.holds(value.substr(1, close - 1))) return false;
    value.remove_prefix(close + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
  } else if (named) {
    // One word, as the simplest of programs write it.
    const std::size_t blank = value.find(" <");
    if (blank != std::string_view::npos && !kToken.holds(value.substr(0, blank))) return false;
    if (blank != std::string_view::npos) value.remove_prefix(blank + 1);
  }
  if (!value.starts_with('<')) return false;
  const std::size_t close = value.find('>');
  if (close == std::string_view::npos || !is_plain_uri(value.substr(1, close - 1))) return false;
  value.remove_prefix(close + 1);
  if (value.empty()) return true;
  return value.front() == ';' && are_plain(value.substr(1), kValue);
}

// At least one value, parted by commas with at most one blank behind each.
template <typename Fits>
bool each_fits(std::string_view values, const Fits& fits) {
  while (!values.empty()) {
    const std::size_t comma = std::min(values.find(','), values.size());
    if (!fits(values.substr(0, comma))) return false;
    if (comma == values.size()) return true;
    values.remove_prefix(comma + 1);
    if (values.starts_with(' ')) values.remove_prefix(1);
  }
  return false;
}

bool is_plain_via(std::string_view value) {
  constexpr std::string_view kProtocol = "SIP/2.0/";
  if (!value.starts_with(kProtocol)) return false;
  value.remove_prefix(kProtocol.size());
  const std::size_t space = value.find(' ');
  if (space == std::string_view::npos || !parse_transport(value.substr(0, space))) return false;
  value.remove_prefix(space + 1);
  const std::size_t semicolon = std::min(value.find(';'), value.size());
  const std::string_view sent_by = value.substr(0, semicolon);
  if (!is_plain_place(sent_by)) return false;
  if (semicolon == value.size()) return true;
  return are_plain(value.substr(semicolon + 1), kValue);
}

bool is_plain_call_id(std::string_view value) {
  const auto ats = std::count(value.begin(), value.end(), '@');
  return !value.empty() && ats <= 1 && value.front() != '@' && value.back() != '@' && kWord.holds(value);
}

bool is_plain_method(std::string_view method) {
  return !method.empty() &&
         std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// "9 INVITE"; the method is the request's, where it is one.
bool is_plain_cseq(std::string_view value, std::string_view method) {
  const std::size_t space = value.find(' ');
  if (space == std::string_view::npos || !is_number(value.substr(0, space), 9)) return false;
  const std::string_view named = value.substr(space + 1);
  return is_plain_method(named) && (method.empty() || named == method);
}

bool is_plain_row(const Row& row, std::string_view method, std::size_t body) {
  switch (row.field) {
    case Field::kVia:
      return each_fits(row.value, is_plain_via);
    case Field::kRoute:
    case Field::kRecordRoute:
      return each_fits(row.value, [](std::string_view value) { return is_plain_address(value, false); });
    case Field::kMaxForwards:
      return is_number(row.value, 3);
    case Field::kFrom:
    case Field::kTo:
      return is_plain_address(row.value, true);
    case Field::kCallId:
      return is_plain_call_id(row.value);
    case Field::kCSeq:
      return is_plain_cseq(row.value, method);
    case Field::kContentLength: {
      std::size_t length = 0;
      if (!is_number(row.value, 7)) return false;
      std::from_chars(row.value.data(), row.value.data() + row.value.size(), length);
      return length <= body;
    }
    case Field::kOther:
      break;
  }
  return true;
}

// The method of a request line, or "" of a status line; nothing of anything else.
std::optional<std::string_view> plain_start(std::string_view line) {
  constexpr std::string_view kVersion = "SIP/2.0";
  if (line.starts_with(kVersion)) {
    line.remove_prefix(kVersion.size());
    const bool has_status = line.size() >= 5 && line[0] == ' ' && line[1] >= '1' && line[1] <= '6' &&
                            is_number(line.substr(2, 2), 2) && line[4] == ' ';
    return has_status ? std::optional<std::string_view>("") : std::nullopt;
  }
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos || line.substr(second + 1) != kVersion) return std::nullopt;
  const std::string_view method = line.substr(0, first);
  if (!is_plain_method(method) || !is_plain_uri(line.substr(first + 1, second - first - 1)))
    return std::nullopt;
  return method;
}

}  // namespace

bool is_plain(const MessageParts& parts) {
  if (!parts.regular) return false;
  const auto method = plain_start(parts.start_line);
  if (!method) return false;
  std::array<unsigned, 10> times{};
  for (const Row& row : parts.rows) {
    if (!is_plain_row(row, *method, parts.body.size())) return false;
    ++times[static_cast<std::size_t>(row.field)];
  }
  const auto count = [&times](Field field) { return times[static_cast<std::size_t>(field)]; };
  return count(Field::kVia) >= 1 && count(Field::kFrom) == 1 && count(Field::kTo) == 1 &&
         count(Field::kCallId) == 1 && count(Field::kCSeq) == 1 && count(Field::kMaxForwards) <= 1 &&
         count(Field::kContentLength) <= 1;
}

}  // namespace ringtrace::sip
