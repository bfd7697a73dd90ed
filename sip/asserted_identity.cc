#include "sip/asserted_identity.h"

#include "sip/privacy.h"

namespace ringtrace::sip {

void filter_identity(Message& message, Trust trust) {
  message.remove_extension_header("P-Preferred-Identity");
  if (trust.of_sender && (trust.of_receiver || !asks_privacy(message, {"id"}))) return;
  message.remove_extension_header("P-Asserted-Identity");
  message.remove_extension_header("Remote-Party-ID");
}

}  // namespace ringtrace::sip
