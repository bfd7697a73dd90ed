#include "sip/dialed_number.h"

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

constexpr std::size_t kMaximumDigits = 15;
constexpr std::size_t kMaximumDisplay = 64;

// Digits only; nothing when there is anything but digits and visual separators (RFC 3966 section 3).
std::optional<std::string> digits_of(std::string_view text) {
  constexpr std::string_view kSeparators = "-.() ";
  std::string digits;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      digits += c;
    } else if (kSeparators.find(c) == std::string_view::npos) {
      return std::nullopt;
    }
  }
  return digits;
}

bool strip_prefix(std::string& digits, std::string_view prefix) {
  if (prefix.empty() || !digits.starts_with(prefix)) return false;
  digits.erase(0, prefix.size());
  return true;
}

}  // namespace

std::optional<pool::Number> parse_number(std::string_view user, const NumberPlan& plan) {
  user = user.substr(0, user.find(';'));
  bool international = false;
  if (user.starts_with('+')) {
    international = true;
    user.remove_prefix(1);
  } else if (starts_with_ignoring_case(user, "%2b")) {
    international = true;
    user.remove_prefix(3);
  }
  auto digits = digits_of(user);
  if (!digits) return std::nullopt;
  if (!international && !strip_prefix(*digits, plan.international_prefix) && !plan.country_code.empty() &&
      strip_prefix(*digits, plan.national_prefix)) {
    digits->insert(0, plan.country_code);
  }
  if (digits->empty() || digits->size() > kMaximumDigits || digits->front() == '0') return std::nullopt;
  return pool::Number::parse(*digits);
}

std::string display_number(const std::optional<pool::Number>& number, std::string_view user) {
  if (number) return number->to_string();
  std::string text(user.substr(0, kMaximumDisplay));
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return text;
}

}  // namespace ringtrace::sip
