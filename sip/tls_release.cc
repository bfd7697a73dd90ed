#include "sip/tls_release.h"

#include <dlfcn.h>
#include <openssl/ssl.h>

#include <optional>
#include <unordered_set>

namespace ringtrace::sip {
namespace {

// None: this thread's connections are not sofia-sip's.
thread_local std::optional<std::unordered_set<SSL*>> alive;

void begun(void* connection, void*, CRYPTO_EX_DATA*, int, long, void*) {
  if (alive) alive->insert(static_cast<SSL*>(connection));
}

void ended(void* connection, void*, CRYPTO_EX_DATA*, int, long, void*) {
  if (alive) alive->erase(static_cast<SSL*>(connection));
}

/// Whether OpenSSL's connection has sofia-sip's among its application data: where is sofia-sip's secret.
bool belongs_to(const SSL* connection, const void* sofias) {
  constexpr int kIndices = 16;  // of a process; there are a handful
  for (int i = 0; i < kIndices; ++i) {
    if (SSL_get_ex_data(connection, i) == sofias) return true;
  }
  return false;
}

}  // namespace

void release_tls_connections() {
  static const int index = SSL_get_ex_new_index(0, nullptr, begun, nullptr, ended);
  static_cast<void>(index);
  if (!alive) alive.emplace();
}

}  // namespace ringtrace::sip

/// In the place of sofia-sip's function of this name, which it calls by way of the dynamic linker.
extern "C" void tls_free(void* sofias) {
  using Free = void (*)(void*);
  static const auto free_sofias = reinterpret_cast<Free>(dlsym(RTLD_NEXT, "tls_free"));
  SSL* connection = nullptr;
  if (ringtrace::sip::alive && sofias != nullptr) {
    for (SSL* each : *ringtrace::sip::alive) {
      if (ringtrace::sip::belongs_to(each, sofias)) connection = each;
    }
  }
  // sofia-sip drops a reference to the context and one to the socket's BIO, and has none: they are OpenSSL's.
  BIO* const socket = connection != nullptr ? SSL_get_rbio(connection) : nullptr;
  if (socket != nullptr) BIO_up_ref(socket);
  if (connection != nullptr) SSL_CTX_up_ref(SSL_get_SSL_CTX(connection));
  if (free_sofias != nullptr) free_sofias(sofias);
  // A sofia-sip that frees it itself has done so.
  if (connection != nullptr && ringtrace::sip::alive->contains(connection)) SSL_free(connection);
}
