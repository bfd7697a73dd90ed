#include "redis/caller_key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <utility>

namespace ringtrace::redis {
namespace {

constexpr std::size_t kBytes = 16;

std::string keyed_hash(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data(), &size);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string digits;
  for (std::size_t i = 0; i < kBytes; ++i) {
    digits += kHex[hash[i] >> 4U];
    digits += kHex[hash[i] & 0xFU];
  }
  return digits;
}

}  // namespace

CallerKey::CallerKey(std::string secret) : secret_(std::move(secret)), id_(keyed_hash(secret_, "key id")) {}

// No caller begins like the text of the id.
std::string CallerKey::hash(std::string_view caller) const {
  return keyed_hash(secret_, "caller " + std::string(caller));
}

}  // namespace ringtrace::redis
