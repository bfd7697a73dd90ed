#pragma once

#include <initializer_list>
#include <string_view>

#include "sip/message.h"

namespace ringtrace::sip {

/// The sender asks for one of these kinds of privacy: "id" (RFC 3325 section 9.3), "history" (RFC 7044
/// section 10.1), "header" and others of RFC 3323 section 4.2. Whatever parts them there, whichever row they
/// stand in: who writes the header wrongly means to be private all the same.
bool asks_privacy(const Message& message, std::initializer_list<std::string_view> kinds);

/// The same of any kind at all, which is any word but "none".
bool asks_privacy(const Message& message);

}  // namespace ringtrace::sip
