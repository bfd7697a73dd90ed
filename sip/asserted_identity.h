#pragma once

#include <cstdint>

#include "sip/message.h"

namespace ringtrace::sip {

/// Which way a message of a call goes.
enum class Toward : std::uint8_t { kLine, kTrunk };

/// Takes out of a message what RFC 3325 does not let pass. Trunks are trusted; a line is unless it is
/// configured otherwise.
///
/// P-Preferred-Identity always goes: it is a wish of a phone to its own proxy, and the next element might
/// take it for more (section 5). P-Asserted-Identity goes where the line is not trusted: on its way there
/// when "Privacy: id" asks for it (section 7), and on its way back always, because nobody stands behind it
/// (section 5). With it goes Remote-Party-ID, which said the same before there was an RFC. From is left as
/// the caller's side wrote it: who wants to be unknown is anonymous there (RFC 3323 section 4.1).
void filter_identity(Message& message, Toward toward, bool is_line_trusted);

}  // namespace ringtrace::sip
