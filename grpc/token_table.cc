#include "grpc/token_table.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

namespace ringtrace::rpc {
namespace {

constexpr std::array<std::string_view, 3> kScopeNames = {"lease", "read", "admin"};
constexpr std::string_view kHexDigits = "0123456789abcdef";

}  // namespace

std::string_view to_string(Scope scope) { return kScopeNames[static_cast<std::size_t>(scope)]; }

std::optional<Scope> parse_scope(std::string_view text) {
  const auto* const found = std::find(kScopeNames.begin(), kScopeNames.end(), text);
  if (found == kScopeNames.end()) return std::nullopt;
  return static_cast<Scope>(found - kScopeNames.begin());
}

TokenHash hash_token(std::string_view token) {
  TokenHash hash;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), hash.data());
  return hash;
}

std::optional<TokenHash> parse_token_hash(std::string_view text) {
  TokenHash hash{};
  if (text.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'F' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    const std::size_t digit = kHexDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    hash[i / 2] = static_cast<std::uint8_t>(std::size_t{hash[i / 2]} << 4U | digit);
  }
  return hash;
}

std::string to_string(const TokenHash& hash) {
  std::string text;
  for (const std::uint8_t byte : hash) {
    text += kHexDigits[byte >> 4U];
    text += kHexDigits[byte & 0xFU];
  }
  return text;
}

bool TokenGrant::allows(Scope scope) const {
  return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

bool TokenGrant::allows_pool(std::string_view pool) const {
  return pools.empty() || std::find(pools.begin(), pools.end(), pool) != pools.end();
}

const TokenGrant* TokenTable::find(const TokenHash& hash) const {
  const TokenGrant* found = nullptr;
  for (const TokenGrant& grant : grants_) {
    if (CRYPTO_memcmp(grant.hash.data(), hash.data(), hash.size()) == 0) found = &grant;
  }
  return found;
}

}  // namespace ringtrace::rpc
