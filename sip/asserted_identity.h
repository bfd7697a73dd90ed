#pragma once

#include "sip/message.h"

namespace ringtrace::sip {

/// Which sides of a message are inside the domain of trust of RFC 3325.
struct Trust {
  bool of_sender = true;
  bool of_receiver = true;

  /// Of the answer.
  Trust reversed() const { return {of_receiver, of_sender}; }
};

/// Takes out of a message what RFC 3325 does not let pass.
///
/// P-Preferred-Identity always goes: it is a wish of a phone to its own proxy, and the next element might
/// take it for more (section 5). P-Asserted-Identity goes when the sender is not trusted, because nobody
/// stands behind it (section 5), and when the receiver is not and "Privacy: id" asks for it (section 7). With
/// it goes Remote-Party-ID, which said the same before there was an RFC. From is left as the sender's side
/// wrote it: who wants to be unknown is anonymous there (RFC 3323 section 4.1).
void filter_identity(Message& message, Trust trust);

}  // namespace ringtrace::sip
