#pragma once

#include <string_view>

namespace ringtrace {

/// True when the text is UTF-8 (RFC 3629 section 4), as every text of a message must be.
bool is_utf8(std::string_view text);

}  // namespace ringtrace
