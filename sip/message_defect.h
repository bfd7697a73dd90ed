#pragma once

#include <memory>
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
struct ReleaseMessage {
  void operator()(msg_s* message) const;
};
/// A message of sofia-sip's, and its reference.
using SofiaMessage = std::unique_ptr<msg_s, ReleaseMessage>;

/// For its transports: leaves as exactly this text. Null when there is no memory.
SofiaMessage make_verbatim(std::string_view text);

}  // namespace ringtrace::sip
