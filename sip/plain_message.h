#pragma once

#include "sip/message_text.h"

namespace ringtrace::sip {

/// The message is written as nearly all are: each header that a proxy takes apart is there as often as it
/// should be, in one row, with nothing optional in its spelling, and each URI in it is a plain sip: URI. Then
/// nothing can be wrong with it. What is not plain may be right all the same: that takes a whole parser to
/// say (message_defect.h), which costs more than everything else a proxy does with a message.
bool is_plain(const MessageParts& parts);

}  // namespace ringtrace::sip
