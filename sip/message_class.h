#pragma once

struct msg_mclass_s;  ///< of sofia-sip

namespace ringtrace::sip {

/// What sofia-sip takes apart of a message, and nothing more: Via, Route, Record-Route, Max-Forwards, From,
/// To, Call-ID, CSeq and Content-Length. Every other header stays the text it came as and leaves us byte for
/// byte, in the short form it came in and with mistakes that are none of ours (RFC 3261 section 16.3 step 1):
/// Date, Identity, Contact, bodies of any type.
///
/// Made once, at the first call, and never freed; any thread.
const msg_mclass_s* message_class();

}  // namespace ringtrace::sip
