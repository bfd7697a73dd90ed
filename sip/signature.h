#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "sip/sip_hash.h"

namespace ringtrace::sip {

/// Signs what the proxy gives into foreign hands and must recognise again, also after a restart: Route
/// parameters and Via branches. SipHash-2-4 under keys derived from the configured one by HMAC-SHA256 (RFC
/// 2104); a call has a dozen signatures, so they must cost little. Immutable; any thread.
class Signer {
 public:
  /// `key`: at least kMinimumKey bytes, the same for all gateways that may see the same calls.
  static constexpr std::size_t kMinimumKey = 16;
  explicit Signer(std::string_view key);

  /// 128 bits as 32 hexadecimal digits. Each part is signed with its length, so that no two different lists
  /// of parts have the same signature.
  std::string sign(std::initializer_list<std::string_view> parts) const;
  /// 64 bits as a number, for branches.
  std::uint64_t sign64(std::initializer_list<std::string_view> parts) const;
  /// Compares in constant time.
  bool verify(std::string_view signature, std::initializer_list<std::string_view> parts) const;

 private:
  SipHash::Key long_key_;   ///< of sign()
  SipHash::Key short_key_;  ///< of sign64()
};

}  // namespace ringtrace::sip
