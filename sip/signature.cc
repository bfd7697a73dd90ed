#include "sip/signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstring>

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

// Says what the key is used for here, so that nothing else derived from it can be mistaken for it.
constexpr std::string_view kDerivation = "ringtrace siphash 1";

std::array<std::uint64_t, 2> hash(const SipHash::Key& key, SipHash::Output output,
                                  std::initializer_list<std::string_view> parts) {
  SipHash state(key, output);
  for (const std::string_view part : parts) {
    const std::uint64_t size = part.size();
    state.update({reinterpret_cast<const char*>(&size), sizeof size});
    state.update(part);
  }
  return state.finish();
}

}  // namespace

Signer::Signer(std::string_view key) : long_key_{}, short_key_{} {
  std::array<unsigned char, 32> bytes{};
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(kDerivation.data()), kDerivation.size(), bytes.data(), &length);
  std::memcpy(long_key_.data(), bytes.data(), sizeof long_key_);
  std::memcpy(short_key_.data(), bytes.data() + sizeof long_key_, sizeof short_key_);
}

std::string Signer::sign(std::initializer_list<std::string_view> parts) const {
  const auto words = hash(long_key_, SipHash::Output::k128, parts);
  return to_hex(words[0]) + to_hex(words[1]);
}

std::uint64_t Signer::sign64(std::initializer_list<std::string_view> parts) const {
  return hash(short_key_, SipHash::Output::k64, parts)[0];
}

bool Signer::verify(std::string_view signature, std::initializer_list<std::string_view> parts) const {
  const std::string expected = sign(parts);
  return signature.size() == expected.size() &&
         CRYPTO_memcmp(signature.data(), expected.data(), expected.size()) == 0;
}

}  // namespace ringtrace::sip
