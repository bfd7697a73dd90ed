#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sip/endpoint.h"
#include "sip/signature.h"

namespace ringtrace::sip {

/// Which side of a call a request comes from.
enum class Side : std::uint8_t { kCaller, kLine };

/// What a proxy that has forgotten a call (restarted, or another gateway) needs to route the call's later
/// requests. It travels in the parameters of our Record-Route URI (RFC 3261 section 16.6 step 4), signed
/// together with the dialog's Call-ID and the caller's tag, so that nobody can make one, or use one in
/// another dialog.
struct RouteTicket {
  std::string call_id;  ///< Ringtrace's own
  Hop line;             ///< where the INVITE was forwarded to
  Hop caller;           ///< where the INVITE came from

  friend bool operator==(const RouteTicket&, const RouteTicket&) = default;
};

/// ";c=01J...;l=udp:192.0.2.9:5060;p=udp:198.51.100.7:5060;s=<signature>"
std::string route_parameters(const Signer& signer, const RouteTicket& ticket, std::string_view sip_call_id,
                             std::string_view caller_tag);

struct VerifiedTicket {
  RouteTicket ticket;
  Side from;  ///< who sent the request that carries the Route
};

/// They have a signature, which may be ours.
bool seems_signed(std::string_view parameters);

/// Checks the parameters of a Route URI against the dialog of the request that carries it: the caller's tag
/// is in From when the caller sent it, in To when the line did. Nothing when they are not ours, or not this
/// dialog's.
std::optional<VerifiedTicket> verify_route(const Signer& signer, std::string_view parameters,
                                           std::string_view sip_call_id, std::string_view from_tag,
                                           std::string_view to_tag);

}  // namespace ringtrace::sip
