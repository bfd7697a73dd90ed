#pragma once

#include <ringtrace/v1/visit.pb.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ringtrace::sip {

/// What may stand in a header template.
struct HeaderValues {
  std::string_view visit_id{};
  std::string_view source{};
  std::string_view dialed{};
  std::string_view call_id{};
  const v1::VisitAttributes* attributes = nullptr;  ///< of the visit; null when not known
};

/// An attribute by its name: "utm_source" and its like, "referrer", "landing_page", else a click id such as
/// "gclid", else what the site added. Empty when the visit has none.
std::string_view attribute_of(const v1::VisitAttributes& attributes, const std::string& name);

/// Percent-escapes everything but the unreserved characters of RFC 3986 and a few harmless ones ("/", ":",
/// "@", "+",
/// "="), so that no value can end the header line or begin another.
std::string escape_header_value(std::string_view value);

/// A header for the line, such as `x-roistat: {visit_id}`; checked once when the configuration is read.
class HeaderTemplate {
 public:
  /// `name`: a SIP token that does not belong to the protocol itself (not Via, To, Content-Length...).
  /// `text`: one line;
  /// `{visit_id}`, `{source}`, `{dialed}`, `{call_id}`, `{attr.NAME}`; `{{` and `}}` are the braces
  /// themselves.
  /// The error is a sentence for the operator.
  static std::variant<HeaderTemplate, std::string> parse(std::string_view name, std::string_view text);

  const std::string& name() const { return name_; }
  /// The values escaped; empty when every value of it is empty, and then the header is left out.
  std::string fill(const HeaderValues& values) const;

 private:
  using Field = std::string_view HeaderValues::*;
  /// A literal, and the field or the attribute that follows it, if any.
  struct Piece {
    std::string literal;
    Field field = nullptr;
    std::string attribute;

    bool has_value() const { return field != nullptr || !attribute.empty(); }
  };

  /// Fills in the field between two braces; the error is a sentence.
  static std::string set_field(Piece& piece, std::string_view name);

  std::string name_;
  std::vector<Piece> pieces_;
};

}  // namespace ringtrace::sip
