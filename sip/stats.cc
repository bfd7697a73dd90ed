#include "sip/stats.h"

namespace ringtrace::sip {

std::string_view refusal_name(Refusal refusal) {
  constexpr std::array<std::string_view, kRefusalCount> kNames = {"unknown_source",
                                                                  "garbage",
                                                                  "too_large",
                                                                  "malformed",
                                                                  "too_many_vias",
                                                                  "uri_scheme",
                                                                  "max_forwards",
                                                                  "loop",
                                                                  "max_breadth",
                                                                  "proxy_require",
                                                                  "method",
                                                                  "from_line",
                                                                  "foreign_route",
                                                                  "bad_route",
                                                                  "no_transaction",
                                                                  "unmatched_ack",
                                                                  "unmatched_response",
                                                                  "overload",
                                                                  "queue_full",
                                                                  "certificate",
                                                                  "connection",
                                                                  "source_rate",
                                                                  "number_rate",
                                                                  "too_many_calls",
                                                                  "draining"};
  return kNames[static_cast<std::size_t>(refusal)];
}

}  // namespace ringtrace::sip
