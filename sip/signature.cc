#include "sip/signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <utility>

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

constexpr std::size_t kSignatureBytes = 16;

std::array<std::uint8_t, 32> digest(std::string_view key, std::initializer_list<std::string_view> parts) {
  std::string input;
  for (const std::string_view part : parts) {
    input.append(std::to_string(part.size())).append(":").append(part);
  }
  std::array<std::uint8_t, 32> bytes{};
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(input.data()), input.size(), bytes.data(), &length);
  return bytes;
}

}  // namespace

Signer::Signer(std::string key) : key_(std::move(key)) {}

std::string Signer::sign(std::initializer_list<std::string_view> parts) const {
  const auto bytes = digest(key_, parts);
  return to_hex(std::span(bytes).first(kSignatureBytes));
}

std::uint64_t Signer::sign64(std::initializer_list<std::string_view> parts) const {
  const auto bytes = digest(key_, parts);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) value = (value << 8) | bytes[i];
  return value;
}

bool Signer::verify(std::string_view signature, std::initializer_list<std::string_view> parts) const {
  const std::string expected = sign(parts);
  return signature.size() == expected.size() &&
         CRYPTO_memcmp(signature.data(), expected.data(), expected.size()) == 0;
}

}  // namespace ringtrace::sip
