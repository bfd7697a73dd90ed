#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "pool/number.h"

namespace re2 {
class RE2;
}

namespace ringtrace::sip {

/// One rule that repairs what a trunk writes, before anything else is read.
struct NumberRewrite {
  std::string pattern;      ///< RE2 syntax; anywhere in the user part unless anchored
  std::string replacement;  ///< \0..\9 stand for the groups of the pattern
};

/// How a trunk writes numbers.
struct NumberPlan {
  /// Dialed before a foreign number, such as "00"; empty for none.
  std::string international_prefix = "00";
  /// Dialed before a national number, such as "8" in Russia or "0" in Germany; empty for none.
  std::string national_prefix;
  /// Put in the place of the national prefix, such as "7"; empty: national numbers are left alone.
  std::string country_code;
  /// ISO 3166 code such as "RU" whose dialing rules (of libphonenumber) read what has no plus; empty: the
  /// prefixes above do.
  std::string region;
  /// The first whose pattern is found is applied.
  std::vector<NumberRewrite> rewrites;
};

/// Reads E.164 numbers (ITU-T E.164 section 6) from the user parts of sip: and tel: URIs, as one trunk writes
/// them. Immutable and shared; for any thread.
class NumberReader {
 public:
  NumberReader() = default;
  /// The error is a sentence that names the wrong value.
  static std::variant<NumberReader, std::string> compile(const NumberPlan& plan);

  /// Rewrites, then takes off percent-escapes, parameters (";npdi", ";rn=..."; RFC 3966, 4694) and visual
  /// separators, and reads what is left: with "+"; with a ";phone-context=+..." that goes before it; by the
  /// prefixes; by the region. Nothing for what is no number. Longer texts than 64 bytes are none.
  std::optional<pool::Number> read(std::string_view user) const;

 private:
  using Rewrites = std::vector<std::pair<std::shared_ptr<const re2::RE2>, std::string>>;

  std::string rewritten(std::string user) const;
  std::optional<pool::Number> read_national(std::string digits) const;

  NumberPlan plan_;
  Rewrites rewrites_;
};

/// "+74950000001" for a number, else the text itself, cut to 64 bytes and freed of control characters and of
/// what is no UTF-8: an event that holds such a byte could be read by nobody.
std::string display_number(const std::optional<pool::Number>& number, std::string_view user);

}  // namespace ringtrace::sip
