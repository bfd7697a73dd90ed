#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringtrace::sip {

/// ASCII only, as SIP's tokens are (RFC 3261 section 7.3.1).
bool equals_ignoring_case(std::string_view left, std::string_view right);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

/// A token of RFC 3261 section 25.1, such as the name of a header.
bool is_token(std::string_view text);

/// Lower-case hexadecimal digits.
std::string to_hex(std::span<const std::uint8_t> bytes);
std::string to_hex(std::uint64_t value);
/// Exactly 16 hexadecimal digits.
std::optional<std::uint64_t> parse_hex64(std::string_view text);

/// The value of one of `;`-separated parameters such as "lr;c=01J;s=ab"; an empty view for a parameter
/// without a value, nothing where it is absent. Names are compared ignoring case.
std::optional<std::string_view> find_parameter(std::string_view parameters, std::string_view name);

/// `token` is one of the comma-separated tokens of `list`, ignoring case and white space.
bool contains_token(std::string_view list, std::string_view token);

}  // namespace ringtrace::sip
