#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ringtrace::sip {

/// What may stand in a header template.
struct HeaderValues {
  std::string_view visit_id;
  std::string_view source;
  std::string_view dialed;
  std::string_view call_id;
};

/// Percent-escapes everything but the unreserved characters of RFC 3986 and a few harmless ones ("/", ":",
/// "@", "+",
/// "="), so that no value can end the header line or begin another.
std::string escape_header_value(std::string_view value);

/// A header for the line, such as `x-roistat: {visit_id}`; checked once when the configuration is read.
class HeaderTemplate {
 public:
  /// `name`: a SIP token that does not belong to the protocol itself (not Via, To, Content-Length...).
  /// `text`: one line;
  /// `{visit_id}`, `{source}`, `{dialed}`, `{call_id}`; `{{` and `}}` are the braces themselves.
  /// The error is a sentence for the operator.
  static std::variant<HeaderTemplate, std::string> parse(std::string_view name, std::string_view text);

  const std::string& name() const { return name_; }
  /// The values escaped; empty when every value of it is empty, and then the header is left out.
  std::string fill(const HeaderValues& values) const;

 private:
  using Field = std::string_view HeaderValues::*;
  struct Piece {
    std::string literal;
    Field field = nullptr;  ///< follows the literal
  };

  std::string name_;
  std::vector<Piece> pieces_;
};

}  // namespace ringtrace::sip
