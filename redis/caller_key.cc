#include "redis/caller_key.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "pool/assert.h"

namespace ringtrace::redis {
namespace {

constexpr std::size_t kBytes = 16;
constexpr std::size_t kBlock = 64;   // of SHA-256
constexpr std::size_t kDigest = 32;  // likewise

struct FreeDigest {
  void operator()(EVP_MD_CTX* digest) const { EVP_MD_CTX_free(digest); }
};
using Digest = std::unique_ptr<EVP_MD_CTX, FreeDigest>;
using Sum = std::array<unsigned char, kDigest>;

Digest new_digest() {
  Digest digest(EVP_MD_CTX_new());
  RINGTRACE_ASSERT(digest != nullptr);
  return digest;
}

Sum sum(std::string_view text) {
  Sum out{};
  RINGTRACE_ASSERT(EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return out;
}

}  // namespace

/// The digests of the key's two blocks (RFC 2104 section 4), from which each hash goes on.
struct CallerKey::Begun {
  Digest inner = new_digest();
  Digest outer = new_digest();

  explicit Begun(const std::string& secret) {
    std::array<unsigned char, kBlock> key{};
    if (secret.size() > kBlock) {
      std::ranges::copy(sum(secret), key.begin());
    } else {
      std::copy(secret.begin(), secret.end(), key.begin());
    }
    begin(*inner, key, 0x36);
    begin(*outer, key, 0x5c);
  }

  static void begin(EVP_MD_CTX& digest, std::array<unsigned char, kBlock> block, unsigned char pad) {
    for (unsigned char& byte : block) byte ^= pad;
    RINGTRACE_ASSERT(EVP_DigestInit_ex(&digest, EVP_sha256(), nullptr) == 1);
    RINGTRACE_ASSERT(EVP_DigestUpdate(&digest, block.data(), block.size()) == 1);
  }

  static Sum finish(const EVP_MD_CTX& begun, EVP_MD_CTX& digest, const void* text, std::size_t size) {
    Sum out{};
    RINGTRACE_ASSERT(EVP_MD_CTX_copy_ex(&digest, &begun) == 1);
    RINGTRACE_ASSERT(EVP_DigestUpdate(&digest, text, size) == 1);
    RINGTRACE_ASSERT(EVP_DigestFinal_ex(&digest, out.data(), nullptr) == 1);
    return out;
  }

  std::string hash(std::string_view text) const {
    const Digest digest = new_digest();
    const Sum within = finish(*inner, *digest, text.data(), text.size());
    const Sum sum = finish(*outer, *digest, within.data(), within.size());
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string digits;
    for (std::size_t i = 0; i < kBytes; ++i) {
      digits += kHex[sum[i] >> 4U];
      digits += kHex[sum[i] & 0xFU];
    }
    return digits;
  }
};

CallerKey::CallerKey(const std::string& secret)
    : begun_(std::make_shared<const Begun>(secret)), id_(begun_->hash("key id")) {}

// No caller begins like the text of the id.
std::string CallerKey::hash(std::string_view caller) const {
  return begun_->hash("caller " + std::string(caller));
}

}  // namespace ringtrace::redis
