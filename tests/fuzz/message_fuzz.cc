// One message through the parser's adapter: read, copied, changed, written, and read again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pool/assert.h"
#include "sip/message.h"
#include "sip/message_defect.h"
#include "sip/plain_message.h"
#include "sip/privacy.h"
#include "sip/raw_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringtrace::sip;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const RawMessage raw(text);
  RINGTRACE_ASSERT(raw_to_tag(text) == raw.to_tag());
  if (raw.is_request()) (void)make_raw_response(raw, 400, "Bad Request", "tag");

  const Message message = Message::parse(text);
  // What is taken without the whole parser's judgement is what it would have taken; but of a method it does
  // not know it looks behind the end, and may refuse an "IN" for what stands there.
  if (is_plain(take_apart(text)) && message.method() != Method::kOther) RINGTRACE_ASSERT(!find_defect(text));

  if (!message.is_well_formed()) {
    (void)message.to_string();
    return 0;
  }
  const std::size_t vias = message.via_count();
  for (std::size_t i = 0; i <= vias; ++i) (void)message.via(i).response_hop();
  for (std::size_t i = 0; i <= message.route_count(); ++i) (void)message.route_uri(i).numeric_hop();
  (void)asks_privacy(message);
  (void)message.lists("Supported", "k", "timer");

  Message changed = message.clone();
  changed.stamp_received(*Hop::parse("udp:192.0.2.99:6060"));
  changed.set_max_forwards(7);
  if (message.is_request()) {
    changed.set_request_uri("sip:1@192.0.2.1");
    while (changed.route_count() > 0) changed.pop_route();
    changed.prepend_record_route("sip:198.18.0.1;lr");
  }
  changed.prepend_via("SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bKrt.1");
  RINGTRACE_ASSERT(changed.prepare());
  const Message again = Message::parse(changed.to_string());
  // What was readable before our changes is so after them: no Via lost, none made up.
  if (again.is_well_formed()) {
    RINGTRACE_ASSERT(again.via_count() == vias + 1);
    RINGTRACE_ASSERT(again.via(0).host == "198.18.0.1");
    RINGTRACE_ASSERT(again.cseq() == message.cseq());
    RINGTRACE_ASSERT(again.from_tag() == message.from_tag());
  }
  if (message.is_request()) {
    Message response = make_response(message, 486, "our-tag", {"Retry-After: 5"});
    RINGTRACE_ASSERT(response.prepare());
    if (message.method() == Method::kInvite) {
      Message cancel = make_cancel(message);
      RINGTRACE_ASSERT(cancel.prepare());
    }
  }
  return 0;
}
