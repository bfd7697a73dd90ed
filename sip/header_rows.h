#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sip/message.h"

namespace ringtrace::sip {

/// The values of all rows of a header, in order, whether or not the parser takes it apart: read from the
/// message's text, and so for rare messages only. `compact`: its one-letter name, if it has one.
std::vector<std::string> header_rows(const Message& message, std::string_view name,
                                     std::string_view compact = {});

}  // namespace ringtrace::sip
