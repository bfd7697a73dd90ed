#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringtrace::sip {

/// The same as equals_ignoring_case() of texts of one length.
bool equals_ignoring_case_of_same_length(std::string_view left, std::string_view right);

/// ASCII only, as SIP's tokens are (RFC 3261 section 7.3.1).
inline bool equals_ignoring_case(std::string_view left, std::string_view right) {
  // Names are looked for among many, and nearly all differ in length.
  return left.size() == right.size() && equals_ignoring_case_of_same_length(left, right);
}
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words);

/// A token of RFC 3261 section 25.1, such as the name of a header.
bool is_token(std::string_view text);
/// How many characters at the front of `text` are a token's.
std::size_t token_length(std::string_view text);

/// Lower-case hexadecimal digits.
std::string to_hex(std::span<const std::uint8_t> bytes);
std::string to_hex(std::uint64_t value);
void append_hex(std::string& text, std::uint64_t value);
/// Exactly 16 hexadecimal digits.
std::optional<std::uint64_t> parse_hex64(std::string_view text);
/// Exactly two.
std::optional<std::uint8_t> parse_hex8(std::string_view text);

/// The value of one of `;`-separated parameters such as "lr;c=01J;s=ab"; an empty view for a parameter
/// without a value, nothing where it is absent. Names are compared ignoring case.
std::optional<std::string_view> find_parameter(std::string_view parameters, std::string_view name);

/// `token` is one of the comma-separated tokens of `list`, ignoring case and white space.
bool contains_token(std::string_view list, std::string_view token);

}  // namespace ringtrace::sip
