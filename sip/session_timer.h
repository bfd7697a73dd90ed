#pragma once

#include <chrono>
#include <optional>

#include "sip/message.h"

/// Session timers (RFC 4028): calls whose sides refresh them now and then, so that a call that died without a
/// BYE is known to be over. The proxy asks for them (section 8.1) and never refuses a call for lack of them.

namespace ringtrace::sip {

/// The Session-Expires of a message; nothing when it has none, or one that cannot be read.
std::optional<std::chrono::seconds> session_interval(const Message& message);

/// Makes an INVITE without Session-Expires ask for `interval`, or for its Min-SE where that is longer.
void ask_for_session_timer(Message& invite, std::chrono::seconds interval);

/// The other side has accepted `invite` (as we received it), or an UPDATE, maybe without a session timer.
/// Then its sender, when it knows how, is told to refresh: section 8.2.
void have_sender_refresh(Message& success, const Message& invite, std::chrono::seconds interval);

}  // namespace ringtrace::sip
