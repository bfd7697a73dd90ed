#include "sip/message_text.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

bool is_white(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool holds(std::string_view text, char c) { return text.find(c) != std::string_view::npos; }
bool is_separator(char c) {
  return c == '/' || c == ';' || c == '=' || c == ',' || c == ':' || c == '<' || c == '>';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view without_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// A line, its end included.
struct Line {
  std::string_view text;
  bool is_folded = false;  // others are folded into it
};

// Cuts the next one off, with what is folded into it when it may be: never into an empty one, behind which
// the body begins, with whatever it likes.
Line take_line(std::string_view& text, bool may_be_folded) {
  Line line;
  std::size_t end = 0;
  for (;;) {
    const std::size_t feed = text.find('\n', end);
    end = feed == std::string_view::npos ? text.size() : feed + 1;
    if (!may_be_folded || end == text.size() || (text[end] != ' ' && text[end] != '\t')) break;
    if (without_end(text.substr(0, end)).empty()) break;
    line.is_folded = true;
  }
  line.text = text.substr(0, end);
  text.remove_prefix(end);
  return line;
}

// It ends with CR LF, and so does what is folded into it; neither stands elsewhere.
bool has_regular_ends(const Line& line) {
  if (line.is_folded) {
    for (std::string_view rest = line.text; !rest.empty();)
      if (!has_regular_ends(take_line(rest, false))) return false;
    return true;
  }
  // Where it ends at all it does so at its first LF.
  return line.text.ends_with("\r\n") && line.text.find('\r') == line.text.size() - 2;
}

// What a header's line, its end included, says; no name where it has no colon.
Row row_of(std::string_view line) {
  Row row;
  row.text = line;
  std::size_t colon = token_length(line);  // the name's, nearly always
  if (colon == line.size() || line[colon] != ':') colon = line.find(':', colon);
  if (colon == std::string_view::npos) return row;
  row.name = trimmed(line.substr(0, colon));
  row.value = trimmed(line.substr(colon + 1));
  row.field = field_of(row.name);
  return row;
}

// A blank at `at`, inside of `value`, is more than a reader of single values passes over: he takes one before
// an address in brackets, or behind a comma, for nothing.
bool is_excess(std::string_view value, std::size_t at) {
  const char before = value[at - 1];
  const char next = value[at + 1];
  if (value[at] != ' ' || is_white(next)) return true;
  return (is_separator(before) && before != ',') || (is_separator(next) && next != '<');
}

// Where the first of `marks` stands outside of quotes; npos when none does.
std::size_t find_unquoted(std::string_view text, std::string_view marks) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && marks.find(text[i]) != std::string_view::npos) {
      return i;
    }
  }
  return std::string_view::npos;
}

std::string_view lower_scheme(std::string_view scheme) {
  for (const std::string_view known : {"sip", "sips", "tel"})
    if (equals_ignoring_case(scheme, known)) return known;
  return scheme;
}

// Sets host and port apart; the brackets of an IPv6 address belong to it.
void read_host(std::string_view text, std::string_view& host, std::string_view& port) {
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  host = text.substr(0, colon);
  port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
}

}  // namespace

Field field_of(std::string_view name) {
  struct Known {
    std::string_view name;
    Field field;
  };
  // Nearly all names are told by their length and first letter.
  const auto of = [name](std::initializer_list<Known> names) {
    for (const Known& known : names)
      if ((known.name[0] | 0x20) == (name[0] | 0x20) && equals_ignoring_case(known.name, name))
        return known.field;
    return Field::kOther;
  };
  switch (name.size()) {
    case 1:
      return of({{"v", Field::kVia},
                 {"f", Field::kFrom},
                 {"t", Field::kTo},
                 {"i", Field::kCallId},
                 {"l", Field::kContentLength}});
    case 2:
      return of({{"to", Field::kTo}});
    case 3:
      return of({{"via", Field::kVia}});
    case 4:
      return of({{"from", Field::kFrom}, {"cseq", Field::kCSeq}});
    case 5:
      return of({{"route", Field::kRoute}});
    case 7:
      return of({{"call-id", Field::kCallId}});
    case 12:
      return of({{"record-route", Field::kRecordRoute}, {"max-forwards", Field::kMaxForwards}});
    case 14:
      return of({{"content-length", Field::kContentLength}});
    default:
      return Field::kOther;
  }
}

Method method_of(std::string_view name) {
  if (name == "INVITE") return Method::kInvite;
  if (name == "ACK") return Method::kAck;
  if (name == "CANCEL") return Method::kCancel;
  if (name == "BYE") return Method::kBye;
  if (name == "OPTIONS") return Method::kOptions;
  return Method::kOther;
}

std::string_view from_start_line(std::string_view text) {
  while (text.starts_with("\r\n")) text.remove_prefix(2);
  return text;
}

MessageParts take_apart(std::string_view text) {
  MessageParts parts;
  text = from_start_line(text);
  const std::string_view whole = text;
  parts.rows.reserve(24);
  const Line start = take_line(text, false);
  parts.start_line = without_end(start.text);
  bool regular = has_regular_ends(start);
  bool ended = false;
  while (!text.empty()) {
    const Line line = take_line(text, true);
    if (is_white(line.text.front()) && trimmed(line.text).empty()) {
      ended = line.text == "\r\n";
      break;
    }
    const Row& row = parts.rows.emplace_back(row_of(line.text));
    regular = regular && !is_white(line.text.front()) && is_token(row.name) && has_regular_ends(line);
  }
  parts.head = whole.substr(0, whole.size() - text.size());
  parts.body = text;
  parts.regular = regular && ended && parts.head.find('\0') == std::string_view::npos;
  return parts;
}

std::string_view first_row(std::string_view text, Field field) {
  text = from_start_line(text);
  take_line(text, false);
  while (!text.empty()) {
    const std::string_view line = take_line(text, true).text;
    if (is_white(line.front()) && trimmed(line).empty()) break;
    const Row row = row_of(line);
    if (row.field == field) return row.value;
  }
  return {};
}

std::optional<std::string> compacted(std::string_view value) {
  bool needed = false;
  for (std::size_t i = 0; i < value.size() && !needed; ++i)
    needed = is_white(value[i]) && is_excess(value, i);
  if (!needed) return std::nullopt;
  std::string text;
  text.reserve(value.size());
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (quoted) {
      text += c;
      if (c == '\\' && i + 1 < value.size()) text += value[++i];
      if (c == '"') quoted = false;
      continue;
    }
    if (!is_white(c)) {
      text += c;
      quoted = c == '"';
      continue;
    }
    const std::size_t next = value.find_first_not_of(kWhiteSpace, i);
    if (next == std::string_view::npos) break;
    const bool parts_words = !text.empty() && !is_separator(text.back()) && !is_separator(value[next]);
    if (parts_words) text += ' ';
    i = next - 1;
  }
  return text;
}

std::string_view take_value(std::string_view& values) {
  while (values.starts_with(',') || values.starts_with(' ')) values.remove_prefix(1);
  const std::size_t comma = values.find(',');
  if (comma == std::string_view::npos) return trimmed(std::exchange(values, {}));
  if (const auto first = values.substr(0, comma); !holds(first, '"') && !holds(first, '<')) {
    values = trimmed(values.substr(comma + 1));
    return trimmed(first);
  }
  bool quoted = false;
  bool bracketed = false;
  std::size_t i = 0;
  for (; i < values.size(); ++i) {
    const char c = values[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"' && !bracketed) {
      quoted = !quoted;
    } else if (!quoted && c == '<') {
      bracketed = true;
    } else if (!quoted && c == '>') {
      bracketed = false;
    } else if (c == ',' && !quoted && !bracketed) {
      break;
    }
  }
  i = std::min(i, values.size());
  const std::string_view first = trimmed(values.substr(0, i));
  values = i == values.size() ? std::string_view{} : trimmed(values.substr(i + 1));
  return first;
}

std::string_view take_parameter(std::string_view& parameters) {
  // Most have no quotes at all.
  std::size_t end = std::min(parameters.find(';'), parameters.size());
  if (holds(parameters.substr(0, end), '"'))
    end = std::min(find_unquoted(parameters, ";"), parameters.size());
  const std::string_view first = trimmed(parameters.substr(0, end));
  parameters.remove_prefix(std::min(end + 1, parameters.size()));
  return first;
}

std::string_view parameter_of(std::string_view parameters, std::string_view name) {
  while (!parameters.empty()) {
    const std::string_view parameter = take_parameter(parameters);
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    if (equals_ignoring_case(trimmed(parameter.substr(0, equals)), name))
      return trimmed(parameter.substr(std::min(equals + 1, parameter.size())));
  }
  return {};
}

AddressView read_address(std::string_view value) {
  AddressView address;
  const std::size_t open = find_unquoted(value, "<");
  std::string_view rest;
  if (open != std::string_view::npos) {
    const std::size_t close = std::min(value.find('>', open), value.size());
    address.uri = trimmed(value.substr(open + 1, close - open - 1));
    rest = value.substr(std::min(close + 1, value.size()));
  } else {
    // Parameters behind a bare address are the header's (RFC 3261 section 20).
    const std::size_t end = std::min(value.find(';'), value.size());
    address.uri = trimmed(value.substr(0, end));
    rest = value.substr(end);
  }
  const std::size_t semicolon = rest.find(';');
  if (semicolon != std::string_view::npos) address.parameters = rest.substr(semicolon + 1);
  return address;
}

UriView read_uri(std::string_view text) {
  UriView uri;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return uri;
  uri.scheme = lower_scheme(text.substr(0, colon));
  text.remove_prefix(colon + 1);
  const bool is_telephone = uri.scheme == "tel";
  if (!is_telephone) {
    const std::size_t at = text.find('@');
    if (at != std::string_view::npos) {
      uri.user = text.substr(0, at);
      uri.user = uri.user.substr(0, uri.user.find(':'));
      text.remove_prefix(at + 1);
    }
  }
  const std::size_t question = text.find('?');
  if (question != std::string_view::npos) {
    uri.headers = text.substr(question + 1);
    text = text.substr(0, question);
  }
  const std::size_t semicolon = text.find(';');
  if (semicolon != std::string_view::npos) {
    uri.parameters = text.substr(semicolon + 1);
    text = text.substr(0, semicolon);
  }
  if (is_telephone) {
    uri.user = text;
  } else {
    read_host(text, uri.host, uri.port);
  }
  return uri;
}

ViaView read_via(std::string_view value) {
  ViaView via;
  const std::size_t space = value.find(' ');
  if (space == std::string_view::npos) return via;
  via.protocol = value.substr(0, space);
  value.remove_prefix(space + 1);
  const std::size_t semicolon = std::min(value.find(';'), value.size());
  read_host(value.substr(0, semicolon), via.host, via.port);
  std::string_view parameters = value.substr(std::min(semicolon + 1, value.size()));
  while (!parameters.empty()) {
    const std::string_view parameter = take_parameter(parameters);
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    const std::string_view name = parameter.substr(0, equals);
    const std::string_view text = parameter.substr(std::min(equals + 1, parameter.size()));
    if (equals_ignoring_case(name, "branch")) via.branch = text;
    if (equals_ignoring_case(name, "received")) via.received = text;
    if (equals_ignoring_case(name, "rport")) {
      via.rport = text;
      via.asks_port = true;
    }
  }
  return via;
}

}  // namespace ringtrace::sip
