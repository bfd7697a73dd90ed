#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ringtrace::pool {

/// A phone number in E.164: country code and subscriber number, 3 to 15 digits, no leading zero.
///
/// A default-constructed Number is "no number" (a withheld caller) and equals no real one.
class Number {
 public:
  constexpr Number() = default;

  /// The number whose digits are those of `digits`; none when that is no E.164 number.
  static constexpr std::optional<Number> from_digits(std::uint64_t digits) {
    if (digits < kLeast || digits > kGreatest) return std::nullopt;
    return Number(digits);
  }

  /// Reads "+74950000001" or "74950000001": an optional plus and 3 to 15 digits, nothing else.
  static std::optional<Number> parse(std::string_view text);

  /// The digits as an integer, 0 for no number.
  constexpr std::uint64_t digits() const { return digits_; }

  /// False for no number.
  constexpr explicit operator bool() const { return digits_ != 0; }

  /// "+74950000001"; empty for no number.
  std::string to_string() const;

  constexpr auto operator<=>(const Number&) const = default;

 private:
  static constexpr std::uint64_t kLeast = 100;
  static constexpr std::uint64_t kGreatest = 999'999'999'999'999;

  constexpr explicit Number(std::uint64_t digits) : digits_(digits) {}

  std::uint64_t digits_ = 0;
};

}  // namespace ringtrace::pool

template <>
struct std::hash<ringtrace::pool::Number> {
  std::size_t operator()(ringtrace::pool::Number number) const noexcept {
    // Fibonacci hashing: numbers of one carrier are neighbours.
    return static_cast<std::size_t>(number.digits() * 0x9E3779B97F4A7C15ULL);
  }
};
