#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/time.h"

namespace ringtrace::rpc {

/// What a token may be allowed to do. Each stands for itself: kAdmin does not include the others.
enum class Scope : std::uint8_t {
  kLease,  ///< lend, renew, release and look up leases
  kRead,   ///< read calls and their events, look at pools, resolve numbers
  kAdmin,  ///< add numbers to pools and drain them, erase callers
};

/// "lease", "read", "admin".
std::string_view to_string(Scope scope);
std::optional<Scope> parse_scope(std::string_view text);

/// The SHA-256 of a token. Tokens are long and random (`ringtracectl token` makes them), so that a plain hash
/// is as hard to turn back as the token is to guess.
using TokenHash = std::array<std::uint8_t, 32>;
TokenHash hash_token(std::string_view token);

/// Reads 64 hexadecimal digits.
std::optional<TokenHash> parse_token_hash(std::string_view text);
std::string to_string(const TokenHash& hash);

/// One token, as the gateway knows it: never the token itself.
struct TokenGrant {
  std::string name;  ///< what errors, limits and people call it
  TokenHash hash{};
  std::vector<Scope> scopes;
  std::vector<std::string> pools;         ///< names; empty: all pools
  std::optional<pool::Time> expire_time;  ///< refused from this instant on
  friend bool operator==(const TokenGrant&, const TokenGrant&) = default;

  bool allows(Scope scope) const;
  bool allows_pool(std::string_view pool) const;
};

/// Tokens at most: each request compares with all of them.
inline constexpr std::size_t kMaxTokens = 1000;

/// The tokens that are known. Constant after construction.
class TokenTable {
 public:
  explicit TokenTable(std::vector<TokenGrant> grants) : grants_(std::move(grants)) {}

  /// The token's grant, or nullptr. Takes the same time whichever grant it is and however much of it is
  /// right: the hash is compared with every grant's, to the end.
  const TokenGrant* find(std::string_view token) const { return find(hash_token(token)); }
  const TokenGrant* find(const TokenHash& hash) const;

 private:
  std::vector<TokenGrant> grants_;
};

}  // namespace ringtrace::rpc
