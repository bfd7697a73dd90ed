#include "sip/text.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace ringtrace::sip {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::array<bool, 256> kTokenCharacters = [] {
  std::array<bool, 256> characters{};
  for (char c = 'a'; c <= 'z'; ++c) characters[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) characters[static_cast<unsigned char>(c)] = true;
  for (char c = '0'; c <= '9'; ++c) characters[static_cast<unsigned char>(c)] = true;
  for (const char c : std::string_view("-.!%*_+`'~")) characters[static_cast<unsigned char>(c)] = true;
  return characters;
}();

template <typename Number>
std::optional<Number> parse_hex(std::string_view text) {
  if (text.size() != 2 * sizeof(Number)) return std::nullopt;
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool equals_ignoring_case_of_same_length(std::string_view left, std::string_view right) {
  for (std::size_t i = 0; i < left.size(); ++i)
    if (left[i] != right[i] && lower(left[i]) != lower(right[i])) return false;
  return true;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

std::size_t token_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && kTokenCharacters[static_cast<unsigned char>(text[length])]) ++length;
  return length;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [word](std::string_view each) { return equals_ignoring_case(word, each); });
}

bool is_token(std::string_view text) { return !text.empty() && token_length(text) == text.size(); }

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 0x0f];
  }
  return text;
}

void append_hex(std::string& text, std::uint64_t value) {
  std::array<char, 16> digits;
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, value >>= 4)
    *digit = kHexDigits[value & 0x0f];
  text.append(digits.data(), digits.size());
}

std::string to_hex(std::uint64_t value) {
  std::string text;
  append_hex(text, value);
  return text;
}

std::optional<std::uint64_t> parse_hex64(std::string_view text) { return parse_hex<std::uint64_t>(text); }
std::optional<std::uint8_t> parse_hex8(std::string_view text) { return parse_hex<std::uint8_t>(text); }

std::optional<std::string_view> find_parameter(std::string_view parameters, std::string_view name) {
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';'), parameters.size());
    const std::string_view parameter = parameters.substr(0, end);
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    const std::size_t equals = parameter.find('=');
    if (!equals_ignoring_case(parameter.substr(0, equals), name)) continue;
    return equals == std::string_view::npos ? std::string_view{} : parameter.substr(equals + 1);
  }
  return std::nullopt;
}

bool contains_token(std::string_view list, std::string_view token) {
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    item.remove_prefix(std::min(item.find_first_not_of(kWhiteSpace), item.size()));
    item = item.substr(0, item.find_last_not_of(kWhiteSpace) + 1);
    if (equals_ignoring_case(item, token)) return true;
  }
  return false;
}

}  // namespace ringtrace::sip
