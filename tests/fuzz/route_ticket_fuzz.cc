// Route parameters: nothing but what we signed is believed, whatever the rest of the text.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pool/assert.h"
#include "sip/branch.h"
#include "sip/call_id.h"
#include "sip/route_ticket.h"
#include "sip/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringtrace::sip;
  static const Signer signer("0123456789abcdef0123456789abcdef");
  static const Signer stranger("another key, as long as ours is..");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const RouteTicket ticket{"01M84Y2KS4HJ6QVXCB5XNYC2CN", *Hop::parse("udp:198.51.100.1:5060"),
                                  *Hop::parse("udp:192.0.2.10:5060")};
  static const std::string good = route_parameters(signer, ticket, "call-1", "caller-tag");
  static const std::string forged = route_parameters(stranger, ticket, "call-1", "caller-tag");

  // The fuzzer cannot sign: whatever it writes is either our ticket, to the letter of its four parts, or
  // nothing.
  if (const auto found = verify_route(signer, text, "call-1", "caller-tag", "line-tag")) {
    RINGTRACE_ASSERT(found->ticket == ticket && found->from == Side::kCaller);
  }
  // Others' parameters before ours hide it or change nothing.
  if (const auto found = verify_route(signer, std::string(text) + good, "call-1", "caller-tag", "line-tag")) {
    RINGTRACE_ASSERT(found->ticket == ticket);
  }
  RINGTRACE_ASSERT(!verify_route(signer, std::string(text) + forged, "call-1", "caller-tag", "line-tag"));
  // Nor is it valid in another dialog.
  if (text != "call-1") RINGTRACE_ASSERT(!verify_route(signer, good, text, "caller-tag", "line-tag"));
  if (text != "caller-tag") RINGTRACE_ASSERT(!verify_route(signer, good, "call-1", text, text));

  if (const auto branch = ViaBranch::parse(text)) {
    const std::string written = branch->to_string(signer, "c", 1);
    RINGTRACE_ASSERT(equals_ignoring_case(std::string_view(written).substr(0, 60), text.substr(0, 60)));
  }
  if (const auto hop = Hop::parse(text)) RINGTRACE_ASSERT(Hop::parse(hop->to_string()) == hop);
  if (const auto id = CallId::parse(text)) RINGTRACE_ASSERT(id->to_string() == text);
  (void)contains_token(text, "timer");
  return 0;
}
