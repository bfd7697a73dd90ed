#pragma once

#include <memory>

#include "grpc/tls_identity.h"

namespace grpc {
class ServerCredentials;
}  // namespace grpc

namespace ringtrace::rpc {

/// The server's side of TLS, with an identity that can be changed while it serves: each handshake takes the
/// one that is in place then, connections keep the one they began with.
///
/// The library asks for the identity at every handshake (the "certificate config fetcher" of its C interface,
/// which its C++ interface does not offer). Its own file watcher is not used: it would take over whatever it
/// finds, also a key of another certificate.
class TlsCredentials {
 public:
  /// Asks clients for certificates, from then on and for good, when `identity` has a client CA.
  explicit TlsCredentials(TlsIdentity identity);
  ~TlsCredentials();
  TlsCredentials(const TlsCredentials&) = delete;
  TlsCredentials& operator=(const TlsCredentials&) = delete;

  /// For one server; this must outlive it.
  std::shared_ptr<grpc::ServerCredentials> make() const;

  /// Puts an identity in place that check_tls has passed. Any thread.
  void replace(TlsIdentity identity);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringtrace::rpc
