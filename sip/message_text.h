#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/message.h"

namespace ringtrace::sip {

/// The headers a proxy takes apart (RFC 3261 section 16.6); all others pass as they came.
enum class Field : std::uint8_t {
  kOther,
  kVia,
  kRoute,
  kRecordRoute,
  kMaxForwards,
  kFrom,
  kTo,
  kCallId,
  kCSeq,
  kContentLength,
};

Field field_of(std::string_view name);
Method method_of(std::string_view name);

/// One header as it stands in a message. Views into a text that somebody keeps.
struct Row {
  Field field = Field::kOther;
  std::string_view name;
  std::string_view value;  ///< without white space around it
  std::string_view text;   ///< the whole row with the line ends that belong to it
};

/// A message's text taken into its parts. Every byte is in the start line, a row or the body, but for the
/// empty line and the start line's end.
struct MessageParts {
  std::string_view head;        ///< all before the body
  std::string_view start_line;  ///< without its line end
  std::vector<Row> rows;
  std::string_view body;
  /// Every row has a name, every line ends as RFC 3261 section 7 says, no byte is NUL, and an empty line ends
  /// them.
  bool regular = false;
};

/// Empty lines before a message are overlooked (RFC 3261 section 7.5).
std::string_view from_start_line(std::string_view text);

MessageParts take_apart(std::string_view text);

/// The value of the first row of a kind, for one look at a message that is not taken apart; empty when there
/// is none.
std::string_view first_row(std::string_view text, Field field);

/// `value` with no more white space than it needs: none around separators, none folded (RFC 3261 section
/// 7.3.1); what stands in quotes stays. Nothing when its readers pass over what it has: it is trimmed, and
/// has single blanks between words, behind commas and before addresses in brackets only.
std::optional<std::string> compacted(std::string_view value);

/// Cuts the first of comma-separated values off; commas in quotes or angle brackets part nothing, and nothing
/// between two commas is no value.
std::string_view take_value(std::string_view& values);

/// An address of a From, To or Route: a URI with or without a display name, and the header's own parameters.
struct AddressView {
  std::string_view uri;
  std::string_view parameters;  ///< without the leading ';'
};

AddressView read_address(std::string_view value);
UriView read_uri(std::string_view text);
ViaView read_via(std::string_view value);
/// As find_parameter(), for parameters that may be quoted.
std::string_view parameter_of(std::string_view parameters, std::string_view name);
/// Cuts the first parameter off, its quotes respected.
std::string_view take_parameter(std::string_view& parameters);

}  // namespace ringtrace::sip
