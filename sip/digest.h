#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrace::sip {

/// What a server asks for: one WWW-Authenticate or Proxy-Authenticate value (RFC 8760, RFC 7616).
struct DigestChallenge {
  enum class Algorithm : std::uint8_t { kMd5, kMd5Session, kSha256, kSha256Session };

  Algorithm algorithm = Algorithm::kMd5;
  std::string algorithm_name;  ///< as written, "" when absent
  std::string realm;
  std::string nonce;
  std::string opaque;
  bool has_opaque = false;
  bool qop_auth = false;  ///< qop is offered and holds "auth"; without qop RFC 2069's digest is made
  bool stale = false;

  /// Nothing for another scheme, an algorithm we have not, a qop without "auth", or no nonce.
  static std::optional<DigestChallenge> parse(std::string_view value);
};

/// The strongest one that can be answered (RFC 8760 section 2.4: SHA-256 before MD5); nothing when none can.
std::optional<DigestChallenge> choose_challenge(const std::vector<std::string>& values);

struct DigestRequest {
  std::string_view user;
  std::string_view password;
  std::string_view method;
  std::string_view uri;
  std::string_view cnonce;
  std::uint32_t nonce_count = 1;  ///< how often this nonce has been used, this time included
};

/// The value of Authorization or Proxy-Authorization.
std::string digest_answer(const DigestChallenge& challenge, const DigestRequest& request);

}  // namespace ringtrace::sip
