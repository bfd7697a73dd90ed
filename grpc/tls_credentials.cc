#include "grpc/tls_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <mutex>
#include <string>
#include <utility>

#include "pool/assert.h"

namespace ringtrace::rpc {
namespace {

/// Credentials of the C interface as the C++ interface wants them.
class WrappedCredentials final : public grpc::ServerCredentials {
 public:
  explicit WrappedCredentials(grpc_server_credentials* credentials) : credentials_(credentials) {}
  ~WrappedCredentials() override { grpc_server_credentials_release(credentials_); }
  WrappedCredentials(const WrappedCredentials&) = delete;
  WrappedCredentials& operator=(const WrappedCredentials&) = delete;

  /// Never called: AccessControl looks at tokens.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    RINGTRACE_ASSERT(false);
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* const credentials_;
};

}  // namespace

struct TlsCredentials::State {
  static grpc_ssl_certificate_config_reload_status fetch(void* self,
                                                         grpc_ssl_server_certificate_config** config) {
    auto& state = *static_cast<State*>(self);
    const std::lock_guard lock(state.mutex);
    if (!std::exchange(state.changed, false)) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair{state.identity.private_key.c_str(),
                                          state.identity.certificate_chain.c_str()};
    // The library insists on some roots, also where no client is asked for a certificate.
    const TlsIdentity& identity = state.identity;
    const std::string& roots = identity.client_ca.empty() ? identity.certificate_chain : identity.client_ca;
    *config = grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  std::mutex mutex;
  TlsIdentity identity;
  bool changed = true;  // since the library asked last
};

TlsCredentials::TlsCredentials(TlsIdentity identity) : state_(std::make_unique<State>()) {
  state_->identity = std::move(identity);
}

TlsCredentials::~TlsCredentials() = default;

std::shared_ptr<grpc::ServerCredentials> TlsCredentials::make() const {
  const auto clients = state_->identity.client_ca.empty()
                           ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                           : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  grpc_ssl_server_credentials_options* options =
      grpc_ssl_server_credentials_create_options_using_config_fetcher(clients, &State::fetch, state_.get());
  return std::make_shared<WrappedCredentials>(grpc_ssl_server_credentials_create_with_options(options));
}

void TlsCredentials::replace(TlsIdentity identity) {
  const std::lock_guard lock(state_->mutex);
  state_->identity = std::move(identity);
  state_->changed = true;
}

}  // namespace ringtrace::rpc
