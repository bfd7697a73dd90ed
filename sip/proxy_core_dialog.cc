// Requests inside a dialog: routed from Record-Route alone, so that a restart between two of them changes
// nothing.

#include "sip/asserted_identity.h"
#include "sip/proxy_core.h"
#include "sip/request_checks.h"

namespace ringtrace::sip {

struct ProxyCore::Onward {
  Message message;  // our Routes taken off
  VerifiedTicket ticket;
  Hop next;
};

// Our own Record-Route URI, come back: our address and a signature made for this very dialog.
std::optional<VerifiedTicket> ProxyCore::ticket_of(const UriView& uri, const Message& request) const {
  if (!seems_signed(uri.parameters)) return std::nullopt;  // no need to look where it leads
  const auto hop = uri.numeric_hop();
  if (!hop || !env_.is_own(*hop)) return std::nullopt;
  return verify_route(env_.routing->signer(), uri.parameters, request.sip_call_id(), request.from_tag(),
                      request.to_tag());
}

bool ProxyCore::receive_in_dialog(const Message& request, const Arrival& arrival) {
  if (request.to_tag().empty()) return false;
  auto onward = route_in_dialog(request, arrival);
  if (!onward) {
    refuse(request, arrival, Refusal::kBadRoute, 481);
    return true;
  }
  // Twice the limit of new calls: what is under way is served while new calls are refused.
  const std::size_t limit = env_.routing->limits().transactions;
  if (env_.exchanges.size() >= limit) forwarder_.make_room();
  if (env_.exchanges.size() >= 2 * limit) {
    refuse(request, arrival, Refusal::kOverload, 503,
           {"Retry-After: " + std::to_string(env_.routing->times().retry_after.count())});
    return true;
  }
  forwarder_.start_in_dialog(request, std::move(onward->message), arrival, onward->ticket, onward->next);
  return true;
}

std::optional<ProxyCore::Onward> ProxyCore::route_in_dialog(const Message& request, const Arrival& arrival) {
  Message message = request.clone();
  std::optional<VerifiedTicket> ticket;
  // A strict router in front of us has put our Route into the Request-URI (RFC 3261 16.4).
  if (message.has_route()) ticket = ticket_of(message.request_uri(), message);
  if (ticket) message.restore_request_uri();
  while (message.has_route()) {
    const auto own = ticket_of(message.route_uri(0), message);
    if (!own || (ticket && ticket->ticket != own->ticket)) break;
    ticket = own;
    message.pop_route();
  }
  if (!ticket) return std::nullopt;

  // The side that the tags say sent it must be the side the packet comes from.
  const IpAddress& source = arrival.source.endpoint.address;
  const Hop& peer = ticket->from == Side::kCaller ? ticket->ticket.caller : ticket->ticket.line;
  const bool on_its_side = source == peer.endpoint.address ||
                           (ticket->from == Side::kCaller ? env_.routing->find_trunk(source) != nullptr
                                                          : env_.routing->is_line(source));
  if (!on_its_side) return std::nullopt;

  const UriView target = message.has_route() ? message.route_uri(0) : message.request_uri();
  auto next = target.numeric_hop();
  // A host name, a transport we do not speak (many leave theirs out of their Contact), or a URI that would
  // lead back to us: the signed peer is where the dialog was set up with.
  if (!next || env_.is_own(*next) || !env_.listener_for(*next, arrival.listener))
    next = ticket->from == Side::kCaller ? ticket->ticket.line : ticket->ticket.caller;
  return Onward{std::move(message), *ticket, *next};
}

void ProxyCore::receive_ack(const Message& ack, const Arrival& arrival) {
  Exchange* invite = env_.exchanges.find(exchange_key(ack, Method::kInvite));
  if (invite != nullptr && forwarder_.acknowledged(*invite)) return;
  if (check_request(env_, ack)) {
    env_.stats.refuse(Refusal::kMalformed);
    return;
  }
  auto onward = route_in_dialog(ack, arrival);
  if (!onward) {
    env_.stats.refuse(Refusal::kUnmatchedAck);
    return;
  }
  filter_identity(onward->message, env_.routing->trust_of(onward->ticket));
  forwarder_.forward_ack(std::move(onward->message), arrival, onward->next);
}

}  // namespace ringtrace::sip
