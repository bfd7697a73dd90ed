#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ringtrace::sip {

/// Wall-clock time in milliseconds, as the pool uses it.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// 64 random bits a call; cryptographic in the program, seeded in tests.
using RandomSource = std::function<std::uint64_t()>;

/// OpenSSL's generator, buffered. One thread.
RandomSource system_random();

/// Ringtrace's id of a call: a ULID, 48 bits of milliseconds and 80 random bits in Crockford's base 32.
/// Unique over all gateways, sorted by start.
class CallId {
 public:
  CallId() = default;
  static CallId make(WallTime at, const RandomSource& random);
  /// 26 characters of Crockford's alphabet in upper case; nothing for anything else.
  static std::optional<CallId> parse(std::string_view text);

  std::string to_string() const;
  WallTime time() const { return WallTime{std::chrono::milliseconds(high_ >> 16)}; }  ///< when it was made
  std::uint64_t high() const { return high_; }
  std::uint64_t low() const { return low_; }

  friend bool operator==(const CallId&, const CallId&) = default;
  friend auto operator<=>(const CallId&, const CallId&) = default;

 private:
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
};

}  // namespace ringtrace::sip

template <>
struct std::hash<ringtrace::sip::CallId> {
  std::size_t operator()(const ringtrace::sip::CallId& id) const noexcept {
    return static_cast<std::size_t>(id.low() ^ (id.high() * 0x9e3779b97f4a7c15ull));
  }
};
