#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringtrace::sip {

/// One place where a trunk may write the number that was dialed.
struct DialedSource {
  enum class Kind : std::uint8_t {
    kRequestUri,
    kTo,
    kCalledPartyId,  ///< P-Called-Party-ID (RFC 7315)
    kDiversion,      ///< Diversion (RFC 5806): who diverted the call last comes first
    kHistoryInfo,    ///< History-Info (RFC 7044): the latest target comes first
    kHeader,         ///< any other header, holding a URI or a bare number
  };
  Kind kind = Kind::kRequestUri;
  std::string header;  ///< of kHeader

  /// Reads "r-uri", "to", "p-called-party-id", "diversion", "history-info" or "header:NAME".
  static std::optional<DialedSource> parse(std::string_view text);
  std::string to_string() const;
  friend bool operator==(const DialedSource&, const DialedSource&) = default;
};

}  // namespace ringtrace::sip
