#pragma once

#include <string_view>
#include <vector>

#include "sip/message.h"

namespace ringtrace::sip {

/// Every sip:, sips: and tel: URI with a user part in a comma-separated header value such as Diversion or
/// History-Info, in order; commas inside quotes and angle brackets separate nothing. At most 16. What is no
/// such URI is passed over. Valid as long as `value`.
std::vector<UriView> uris_of(std::string_view value);

}  // namespace ringtrace::sip
