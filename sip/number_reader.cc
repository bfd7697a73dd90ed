#include "sip/number_reader.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>

// libphonenumber's headers raise warnings of their own.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <phonenumbers/phonenumberutil.h>
#pragma GCC diagnostic pop

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

constexpr std::size_t kMaximumDigits = 15;
constexpr std::size_t kMaximumText = 64;
constexpr std::int64_t kPatternMemory = 1 << 20;

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

// Escaped characters, as RFC 3986 section 2.1 writes them, as themselves.
std::string unescaped(std::string_view user) {
  std::string text;
  while (!user.empty()) {
    unsigned code = 0;
    const bool escapes = user.front() == '%' && user.size() >= 3;
    const auto [end, error] = std::from_chars(user.data() + 1, user.data() + (escapes ? 3 : 1), code, 16);
    const bool read = escapes && error == std::errc{} && end == user.data() + 3;
    text += read ? static_cast<char>(code) : user.front();
    user.remove_prefix(read ? 3 : 1);
  }
  return text;
}

bool strip_prefix(std::string& digits, std::string_view prefix) {
  if (prefix.empty() || !digits.starts_with(prefix)) return false;
  digits.erase(0, prefix.size());
  return true;
}

std::optional<pool::Number> number_of(const std::string& digits) {
  if (digits.empty() || digits.size() > kMaximumDigits || digits.front() == '0') return std::nullopt;
  return pool::Number::parse(digits);
}

std::optional<pool::Number> read_by_region(const std::string& digits, const std::string& region) {
  const PhoneNumberUtil& rules = *PhoneNumberUtil::GetInstance();
  PhoneNumber parsed;
  if (rules.Parse(digits, region, &parsed) != PhoneNumberUtil::NO_PARSING_ERROR) return std::nullopt;
  if (!rules.IsPossibleNumber(parsed)) return std::nullopt;
  std::string text;
  rules.Format(parsed, PhoneNumberUtil::E164, &text);
  return number_of(text.substr(text.starts_with('+') ? 1 : 0));
}

}  // namespace

std::variant<NumberReader, std::string> NumberReader::compile(const NumberPlan& plan) {
  NumberReader reader;
  reader.plan_ = plan;
  if (!plan.region.empty() && PhoneNumberUtil::GetInstance()->GetCountryCodeForRegion(plan.region) == 0) {
    return "'" + plan.region + "' is no region such as RU or DE";
  }
  for (const NumberRewrite& rewrite : plan.rewrites) {
    RE2::Options options(RE2::Quiet);
    options.set_max_mem(kPatternMemory);
    auto pattern = std::make_shared<const RE2>(rewrite.pattern, options);
    std::string problem = pattern->error();
    if (pattern->ok()) pattern->CheckRewriteString(rewrite.replacement, &problem);
    if (!problem.empty()) return "the rewrite of '" + rewrite.pattern + "': " + problem;
    reader.rewrites_.emplace_back(std::move(pattern), rewrite.replacement);
  }
  return reader;
}

std::string NumberReader::rewritten(std::string user) const {
  for (const auto& [pattern, replacement] : rewrites_) {
    if (RE2::Replace(&user, *pattern, replacement)) break;
  }
  return user;
}

std::optional<pool::Number> NumberReader::read(std::string_view user) const {
  if (user.size() > kMaximumText) user = user.substr(0, user.find(';'));
  if (user.size() > kMaximumText) return std::nullopt;
  const std::string text = rewritten(unescaped(user));

  const std::size_t semicolon = std::min(text.find(';'), text.size());
  const std::string_view parameters = std::string_view(text).substr(std::min(semicolon + 1, text.size()));
  std::string_view number = std::string_view(text).substr(0, semicolon);
  const bool international = number.starts_with('+');
  if (international) number.remove_prefix(1);
  auto digits = digits_of(number);
  if (!digits) return std::nullopt;
  if (international) return number_of(*digits);
  const auto context = find_parameter(parameters, "phone-context");
  if (context && context->starts_with('+')) {
    const auto before = digits_of(context->substr(1));
    return before ? number_of(*before + *digits) : std::nullopt;
  }
  return read_national(std::move(*digits));
}

std::optional<pool::Number> NumberReader::read_national(std::string digits) const {
  if (!plan_.country_code.empty() || plan_.region.empty()) {
    if (!strip_prefix(digits, plan_.international_prefix) && !plan_.country_code.empty() &&
        strip_prefix(digits, plan_.national_prefix)) {
      digits.insert(0, plan_.country_code);
    }
    return number_of(digits);
  }
  // "00" is written by carriers everywhere, also where people dial something else.
  if (strip_prefix(digits, plan_.international_prefix)) return number_of(digits);
  return read_by_region(digits, plan_.region);
}

namespace {

// How many bytes the UTF-8 character at the front has (RFC 3629 section 4); 0 when it is none.
std::size_t character_size(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(0);
  };
  const auto within = [](unsigned char value, unsigned char low, unsigned char high) {
    return value >= low && value <= high;
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const auto follows = [&](std::size_t i) { return within(byte(i), 0x80, 0xbf); };
  if (within(first, 0xc2, 0xdf)) return follows(1) ? 2 : 0;
  if (within(first, 0xe0, 0xef)) {
    const unsigned char low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : 0xbf;
    return within(byte(1), low, high) && follows(2) ? 3 : 0;
  }
  if (within(first, 0xf0, 0xf4)) {
    const unsigned char low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xf4 ? 0x8f : 0xbf;
    return within(byte(1), low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string display_number(const std::optional<pool::Number>& number, std::string_view user) {
  if (number) return number->to_string();
  user = user.substr(0, kMaximumText);
  std::string text;
  while (!user.empty()) {
    const std::size_t size = character_size(user);
    const bool control = static_cast<unsigned char>(user.front()) < 0x20 || user.front() == 0x7f;
    if (size > 0 && !control) text += user.substr(0, size);
    user.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return text;
}

}  // namespace ringtrace::sip
