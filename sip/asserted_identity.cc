#include "sip/asserted_identity.h"

#include "sip/message_text.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

// Privacy = priv-value *(";" priv-value) (RFC 3323 section 4.2); some write commas.
bool asks_to_withhold_identity(const Message& message) {
  for (std::string_view values : message.extension_headers("Privacy")) {
    if (contains_token(values, "id")) return true;
    while (!values.empty()) {
      if (equals_ignoring_case(take_parameter(values), "id")) return true;
    }
  }
  return false;
}

}  // namespace

void filter_identity(Message& message, Toward toward, bool is_line_trusted) {
  message.remove_extension_header("P-Preferred-Identity");
  if (is_line_trusted || (toward == Toward::kLine && !asks_to_withhold_identity(message))) return;
  message.remove_extension_header("P-Asserted-Identity");
  message.remove_extension_header("Remote-Party-ID");
}

}  // namespace ringtrace::sip
