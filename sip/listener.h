#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sip/endpoint.h"

namespace ringtrace::sip {

/// One bound socket: what Via and Record-Route say of it.
struct Listener {
  Transport transport = Transport::kUdp;
  Endpoint advertised;

  /// "SIP/2.0/UDP 192.0.2.1:5060;branch=...;rport"
  std::string via_value(const std::string& branch) const;
};

/// The listener to reach a hop through: `preferred` if it fits. Nothing when none fits.
std::optional<std::size_t> find_listener(const std::vector<Listener>& listeners, const Hop& hop,
                                         std::size_t preferred);

}  // namespace ringtrace::sip
