#include "sip/header_template.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

// A page's address may be long, and three times as long when escaped; a PBX's line buffer is not.
constexpr std::size_t kMaximumValue = 512;
constexpr std::string_view kUnescaped = "-._~/:@+=";

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Writing one of these would break the message, the dialog or the body.
bool is_protocol_header(std::string_view name) {
  constexpr std::array<std::string_view, 28> kNames = {"Via",
                                                       "v",
                                                       "From",
                                                       "f",
                                                       "To",
                                                       "t",
                                                       "Call-ID",
                                                       "i",
                                                       "CSeq",
                                                       "Contact",
                                                       "m",
                                                       "Route",
                                                       "Record-Route",
                                                       "Max-Forwards",
                                                       "Content-Length",
                                                       "l",
                                                       "Content-Type",
                                                       "c",
                                                       "Content-Encoding",
                                                       "e",
                                                       "Require",
                                                       "Proxy-Require",
                                                       "Supported",
                                                       "k",
                                                       "Authorization",
                                                       "Proxy-Authorization",
                                                       "RAck",
                                                       "RSeq"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [name](std::string_view known) { return equals_ignoring_case(known, name); });
}

}  // namespace

std::string_view attribute_of(const v1::VisitAttributes& attributes, const std::string& name) {
  if (name == "utm_source") return attributes.utm_source();
  if (name == "utm_medium") return attributes.utm_medium();
  if (name == "utm_campaign") return attributes.utm_campaign();
  if (name == "utm_term") return attributes.utm_term();
  if (name == "utm_content") return attributes.utm_content();
  if (name == "referrer") return attributes.referrer();
  if (name == "landing_page") return attributes.landing_page();
  for (const auto* map : {&attributes.click_ids(), &attributes.extra()}) {
    if (const auto found = map->find(name); found != map->end()) return found->second;
  }
  return {};
}

std::string escape_header_value(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  for (const char c : value) {
    if (is_alphanumeric(c) || kUnescaped.find(c) != std::string_view::npos) {
      text += c;
      continue;
    }
    constexpr char kDigits[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    text += '%';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0x0f];
  }
  return text;
}

std::variant<HeaderTemplate, std::string> HeaderTemplate::parse(std::string_view name,
                                                                std::string_view text) {
  if (!is_token(name)) return "'" + std::string(name) + "' is not a header name";
  if (is_protocol_header(name)) return "the header " + std::string(name) + " belongs to the protocol itself";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return "a header must be one line without control characters";
  }

  HeaderTemplate result;
  result.name_ = name;
  Piece piece;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool doubled = i + 1 < text.size() && text[i + 1] == text[i];
    if ((text[i] == '{' || text[i] == '}') && doubled) {
      piece.literal += text[i++];
    } else if (text[i] == '}') {
      return "a '}' without its '{' (write '}}' for the brace itself)";
    } else if (text[i] == '{') {
      const std::size_t end = text.find('}', i);
      if (end == std::string_view::npos) return "a '{' without its '}'";
      const std::string_view field = text.substr(i + 1, end - i - 1);
      if (std::string problem = set_field(piece, field); !problem.empty()) return problem;
      result.pieces_.push_back(std::exchange(piece, {}));
      i = end;
    } else {
      piece.literal += text[i];
    }
  }
  if (!piece.literal.empty()) result.pieces_.push_back(std::move(piece));
  if (result.pieces_.empty()) return "the header " + std::string(name) + " has no value";
  return result;
}

std::string HeaderTemplate::set_field(Piece& piece, std::string_view name) {
  constexpr std::string_view kAttribute = "attr.";
  constexpr std::array<std::pair<std::string_view, Field>, 4> kFields = {{
      {"visit_id", &HeaderValues::visit_id},
      {"source", &HeaderValues::source},
      {"dialed", &HeaderValues::dialed},
      {"call_id", &HeaderValues::call_id},
  }};
  for (const auto& [known, field] : kFields) {
    if (name == known) piece.field = field;
  }
  if (name.starts_with(kAttribute)) piece.attribute = name.substr(kAttribute.size());
  if (piece.has_value()) return {};
  return "{" + std::string(name) +
         "} is unknown; known are {visit_id}, {source}, {dialed}, {call_id}, {attr.NAME}";
}

std::string HeaderTemplate::fill(const HeaderValues& values) const {
  std::string text;
  bool has_fields = false;
  bool has_values = false;
  for (const Piece& piece : pieces_) {
    text += piece.literal;
    if (!piece.has_value()) continue;
    has_fields = true;
    std::string_view value;
    if (piece.field != nullptr) {
      value = values.*piece.field;
    } else if (values.attributes != nullptr) {
      value = attribute_of(*values.attributes, piece.attribute);
    }
    value = value.substr(0, kMaximumValue);
    has_values = has_values || !value.empty();
    text += escape_header_value(value);
  }
  return has_fields && !has_values ? std::string{} : text;
}

}  // namespace ringtrace::sip
