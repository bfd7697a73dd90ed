#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sip/proxy_environment.h"

namespace ringtrace::sip {

/// Why a request is not forwarded, and the answer it gets; status 0: none.
struct Objection {
  Refusal reason;
  int status;
  std::vector<std::string> headers;
  std::string_view phrase;  ///< what is wrong, for the sender's engineers; empty: the standard phrase
};

/// RFC 3261 section 16.3: what any request must fulfil, in the order given there. Nothing when all is well.
std::optional<Objection> check_request(const ProxyEnvironment& environment, const Message& request);

}  // namespace ringtrace::sip
