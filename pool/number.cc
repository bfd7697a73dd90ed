#include "pool/number.h"

namespace ringtrace::pool {

std::optional<Number> Number::parse(std::string_view text) {
  constexpr std::size_t kMostDigits = 15;
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (text.empty() || text.size() > kMostDigits || text.front() == '0') return std::nullopt;
  std::uint64_t digits = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return from_digits(digits);
}

std::string Number::to_string() const { return digits_ == 0 ? std::string() : "+" + std::to_string(digits_); }

}  // namespace ringtrace::pool
