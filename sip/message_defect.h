#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sip/message.h"

struct msg_s;  ///< of sofia-sip

namespace ringtrace::sip {

/// What sofia-sip's parser finds wrong with a text, however oddly it is written.
std::optional<Defect> find_defect(std::string_view text);
/// The same of a message it has read from a stream.
std::optional<Defect> find_defect(msg_s* message);
/// Its text as it came.
std::string text_of(msg_s* message);
/// A message for sofia-sip's transports that leaves as exactly this text; the caller's to destroy.
msg_s* make_verbatim(std::string_view text);

}  // namespace ringtrace::sip
