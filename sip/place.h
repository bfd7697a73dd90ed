#pragma once

#include <cstdint>

#include "sip/endpoint.h"

namespace ringtrace::sip {

/// One place a name leads to, with the rank its SRV record gives it (RFC 2782).
struct Place {
  // What has no SRV record has no rank either, and stands where it is named.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Place(const Endpoint& where, std::uint32_t rank = 0, std::uint32_t share = 0)
      : endpoint(where), priority(rank), weight(share) {}

  Endpoint endpoint;
  std::uint32_t priority = 0;  ///< lower ones are tried first
  std::uint32_t weight = 0;    ///< share of the calls among those of one priority; 0: none is drawn

  friend bool operator==(const Place&, const Place&) = default;
};

}  // namespace ringtrace::sip
