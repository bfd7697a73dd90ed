#pragma once

#include <string>

#include "sip/caller.h"
#include "sip/message.h"
#include "sip/number_reader.h"

namespace ringtrace::sip {

/// Who forwarded a call to the dialed number, as its text is told: the latest one in Diversion (RFC 5806: the
/// first), else in History-Info (RFC 7044: the last), that is not the dialed number itself. Empty when there
/// is none, or when he asks for privacy: Diversion's own parameter, the entry's Privacy, or that of the
/// request where it covers the history (RFC 7044 section 10.1).
std::string forwarded_from(const Message& invite, const Party& dialed, const NumberReader& reader);

}  // namespace ringtrace::sip
