#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pool/number.h"

namespace ringtrace::sip {

/// How a trunk writes numbers that are not in the international form.
struct NumberPlan {
  /// Dialed before a foreign number, such as "00"; empty for none.
  std::string international_prefix = "00";
  /// Dialed before a national number, such as "8" in Russia or "0" in Germany; empty for none.
  std::string national_prefix;
  /// Put in the place of the national prefix, such as "7"; empty: national numbers are left alone.
  std::string country_code;
};

/// The user part of a sip: or tel: URI as an E.164 number (ITU-T E.164 section 6).
///
/// Takes off parameters (";npdi", ";phone-context=..."; RFC 3966), percent-escapes of "+", visual separators
/// ("-", ".", "(", ")"), then "+", the international prefix, or the national prefix. Nothing for what is no
/// number.
std::optional<pool::Number> parse_number(std::string_view user, const NumberPlan& plan);

/// "+74950000001" for a number, else the text itself, cut to 64 bytes and freed of control characters.
std::string display_number(const std::optional<pool::Number>& number, std::string_view user);

}  // namespace ringtrace::sip
