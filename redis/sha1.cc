// OpenSSL's functions of this one algorithm: deprecated, but to look an algorithm up costs more than the
// hash.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "redis/sha1.h"

#include <openssl/sha.h>

namespace ringtrace::redis {

std::array<std::uint8_t, 20> sha1(std::string_view text) {
  static_assert(SHA_DIGEST_LENGTH == 20);
  std::array<std::uint8_t, 20> hash{};
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Update(&context, text.data(), text.size());
  SHA1_Final(hash.data(), &context);
  return hash;
}

}  // namespace ringtrace::redis
