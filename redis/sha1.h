#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ringtrace::redis {

/// The SHA-1 of a text (FIPS 180-4), which Redis' functions can make, too. No secret depends on it: it only
/// says where a visit stands in the index.
std::array<std::uint8_t, 20> sha1(std::string_view text);

}  // namespace ringtrace::redis
