#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace ringtrace::redis {

/// The secret by which callers are named where they stand outside their calls: whoever has the store but not
/// the key cannot tell whose a name is, nor try all numbers.
///
/// Keep it: with another key the calls named by this one can be found by looking at each of them only.
class CallerKey {
 public:
  explicit CallerKey(const std::string& secret);

  /// The caller's name: 32 hexadecimal digits of HMAC-SHA-256 (RFC 2104).
  std::string hash(std::string_view caller) const;

  /// Tells this key from another, and nothing else of it.
  const std::string& id() const { return id_; }

 private:
  struct Begun;
  std::shared_ptr<const Begun> begun_;
  std::string id_;
};

}  // namespace ringtrace::redis
