#include "redis/caller_key.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <cstddef>
#include <span>

#include "pool/assert.h"
#include "proto/hex_text.h"

namespace ringtrace::redis {
namespace {

constexpr std::size_t kBytes = 16;
constexpr std::size_t kDigest = 32;  // of SHA-256

struct FreeMac {
  void operator()(EVP_MAC_CTX* mac) const { EVP_MAC_CTX_free(mac); }
};
using Mac = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

/// An HMAC with the key in it, and no text yet.
Mac begin(const std::string& secret) {
  EVP_MAC* const kind = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  Mac mac(EVP_MAC_CTX_new(kind));
  EVP_MAC_free(kind);
  RINGTRACE_ASSERT(mac != nullptr);
  char digest[] = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  const auto* const key = reinterpret_cast<const unsigned char*>(secret.data());
  RINGTRACE_ASSERT(EVP_MAC_init(mac.get(), key, secret.size(), parameters.data()) == 1);
  return mac;
}

}  // namespace

/// Begun once: to find the algorithm and to take in the key costs more than a hash.
struct CallerKey::Begun {
  explicit Begun(const std::string& secret) : begun(begin(secret)) {}

  const Mac begun;

  std::string hash(std::string_view text) const {
    const Mac mac(EVP_MAC_CTX_dup(begun.get()));
    std::array<unsigned char, kDigest> sum{};
    std::size_t size = 0;
    const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
    RINGTRACE_ASSERT(mac != nullptr && EVP_MAC_update(mac.get(), bytes, text.size()) == 1);
    RINGTRACE_ASSERT(EVP_MAC_final(mac.get(), sum.data(), &size, sum.size()) == 1);
    return hex_text(std::span(sum).first<kBytes>());
  }
};

CallerKey::CallerKey(const std::string& secret)
    : begun_(std::make_shared<const Begun>(secret)), id_(begun_->hash("key id")) {}

// No caller begins like the text of the id.
std::string CallerKey::hash(std::string_view caller) const {
  return begun_->hash("caller " + std::string(caller));
}

}  // namespace ringtrace::redis
