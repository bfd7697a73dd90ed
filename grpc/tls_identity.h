#pragma once

#include <optional>
#include <string>
#include <variant>

#include "pool/time.h"

namespace ringtrace::rpc {

/// What the gateway shows on TLS connections, and whom it lets in; PEM texts.
struct TlsIdentity {
  std::string certificate_chain;  ///< the gateway's certificate first
  std::string private_key;        ///< of that certificate
  std::string client_ca;  ///< clients must show a certificate of one of these; empty: none is asked for
  friend bool operator==(const TlsIdentity&, const TlsIdentity&) = default;
};

/// What is known of an identity that may be used.
struct TlsFacts {
  pool::Time expire_time;  ///< from then on clients refuse it
};

/// What is wrong with an identity.
struct TlsMistake {
  enum class Part { kCertificate, kPrivateKey, kClientCa } part = Part::kCertificate;
  std::string problem;  ///< "has expired on 2026-03-01T12:00:00Z"
};

/// Looks at an identity before it is used: each text holds what it should, the key is the certificate's, and
/// `now` is inside its time (RFC 5280 section 4.1.2.5).
std::variant<TlsFacts, TlsMistake> check_tls(const TlsIdentity& identity, pool::Time now);

}  // namespace ringtrace::rpc
