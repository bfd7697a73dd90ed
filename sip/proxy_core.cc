#include "sip/proxy_core.h"

#include <algorithm>
#include <utility>

#include "sip/asserted_identity.h"
#include "sip/branch.h"
#include "sip/dialed_number.h"
#include "sip/request_checks.h"

namespace ringtrace::sip {
namespace {

const char* const kAllow =
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE";

RateLimiter rate(const CallRate& rate) { return {rate.per_second, rate.burst}; }

OverloadControl::Limits overload_limits(const Routing& routing) {
  OverloadControl::Limits limits;
  limits.target = routing.limits().queueing_delay;
  limits.hard = 10 * limits.target;
  return limits;
}

}  // namespace

ProxyCore::ProxyCore(MessageSender& sender, Attribution& attribution, CallSink& sink, ProxyStats& stats,
                     RandomSource random, std::vector<Listener> listeners,
                     std::shared_ptr<const Routing> routing, Instant now)
    : env_(sender, attribution, sink, stats, std::move(random), std::move(listeners), std::move(routing),
           now),
      forwarder_(env_),
      earlier_(sink, attribution),
      overload_(overload_limits(*env_.routing)),
      source_rate_(rate(env_.routing->limits().calls_per_second_of_source)),
      number_rate_(rate(env_.routing->limits().calls_per_second_of_number)) {}

bool ProxyCore::receive(Message message, const Arrival& arrival, Instant now) {
  env_.now = now;
  const IpAddress& source = arrival.source.endpoint.address;
  if (const auto defect = message.defect()) {
    reject_unread(message.to_string(), *defect, arrival);
    return is_configured(source);
  }
  if (!message.is_request()) {
    ProxyStats::count(env_.stats.responses_received);
    receive_response(message, arrival);
    return true;
  }
  ProxyStats::count(env_.stats.requests_received);
  if (!is_known(message, source)) {
    env_.stats.refuse(Refusal::kUnknownSource);
    return false;
  }
  receive_request(std::move(message), arrival);
  return true;
}

void ProxyCore::transport_failed(const Hop& hop) {
  if (failed_hops_.size() >= kMaximumFailedHops) return;
  if (std::find(failed_hops_.begin(), failed_hops_.end(), hop) == failed_hops_.end())
    failed_hops_.push_back(hop);
}

void ProxyCore::tick(Instant now) {
  env_.now = now;
  if (!failed_hops_.empty() && now.steady >= next_failure_run_) {
    next_failure_run_ = now.steady + kFailureInterval;
    for (const Hop& hop : std::exchange(failed_hops_, {})) forwarder_.transport_failed(hop);
  }
  env_.timers.advance(now.steady, [this](TimerQueue::Id id, TimerQueue::Event event) {
    if (event.what == CallBook::kTimer) {
      env_.calls.on_timer(event.owner, env_.now);
    } else {
      forwarder_.on_timer(event.owner, event.what, id);
    }
  });
}

SteadyTime ProxyCore::next_tick() const {
  const SteadyTime next = env_.timers.next();
  return failed_hops_.empty() ? next : std::min(next, next_failure_run_);
}

void ProxyCore::reload(std::shared_ptr<const Routing> routing) {
  env_.routing = std::move(routing);
  overload_ = OverloadControl(overload_limits(*env_.routing));
  source_rate_ = rate(env_.routing->limits().calls_per_second_of_source);
  number_rate_ = rate(env_.routing->limits().calls_per_second_of_number);
}

void ProxyCore::drain() { env_.draining = true; }

bool ProxyCore::is_idle() const { return !env_.exchanges.has_unanswered(); }

void ProxyCore::refuse(const Message& request, const Arrival& arrival, Refusal reason, int status,
                       const std::vector<std::string>& headers, std::string_view phrase) {
  env_.stats.refuse(reason);
  if (status != 0 && request.method() != Method::kAck) env_.reply(request, arrival, status, headers, phrase);
}

void ProxyCore::receive_request(Message request, Arrival arrival) {
  arrival.source = request.stamp_received(arrival.source);
  const Method method = request.method();
  if (method == Method::kAck) {
    receive_ack(request, arrival);
    return;
  }
  if (method != Method::kCancel) {
    if (Exchange* known = env_.exchanges.find(exchange_key(request, method))) {
      forwarder_.retransmitted(*known);
      return;
    }
  }
  const auto objection = check_request(env_, request);
  const bool ping = method == Method::kOptions && request.to_tag().empty();
  if (ping && (!objection || objection->reason == Refusal::kMaxForwards)) {
    answer_ping(request, arrival);
  } else if (objection) {
    refuse(request, arrival, objection->reason, objection->status, objection->headers, objection->phrase);
  } else if (method == Method::kCancel) {
    receive_cancel(request, arrival);
  } else if (receive_in_dialog(request, arrival)) {
    return;
  } else if (method == Method::kInvite) {
    receive_new_call(request, arrival);
  } else {
    refuse(request, arrival, Refusal::kMethod, 405, {kAllow});
  }
}

/// A carrier's "are you there?": always answered, also in overload (RFC 3261 section 11, 16.3 step 3). It
/// asks us and nobody behind us, so what it requires it requires of us (section 8.2.2.3).
void ProxyCore::answer_ping(const Message& options, const Arrival& arrival) {
  const std::string required = options.joined_header("Require");
  if (!required.empty())
    return refuse(options, arrival, Refusal::kProxyRequire, 420, {"Unsupported: " + required});
  env_.reply(options, arrival, 200, {kAllow, "Accept: application/sdp"});
}

bool ProxyCore::is_known(const Message& request, const IpAddress& address) const {
  if (is_configured(address)) return true;
  // A peer that a reload has removed, with a call still up: its signed Route says so.
  if (!request.has_route()) return false;
  const auto ticket = ticket_of(request.route_uri(0), request);
  return ticket && (ticket->ticket.line.endpoint.address == address ||
                    ticket->ticket.caller.endpoint.address == address);
}

void ProxyCore::receive_cancel(const Message& cancel, const Arrival& arrival) {
  Exchange* invite = env_.exchanges.find(exchange_key(cancel, Method::kInvite));
  if (invite == nullptr) {
    refuse(cancel, arrival, Refusal::kNoTransaction, 481);
    return;
  }
  env_.reply(cancel, arrival, 200);
  forwarder_.cancel(*invite);
}

void ProxyCore::receive_new_call(const Message& invite, const Arrival& arrival) {
  const Trunk* trunk = env_.routing->find_trunk(arrival.source, invite.request_uri().user);
  if (trunk == nullptr) {
    refuse(invite, arrival, Refusal::kFromLine, 403);
    return;
  }
  // A trunk may put our own address into Route; anything else would make us a relay (RFC 3261 16.4).
  for (std::size_t index = 0; index < invite.route_count(); ++index) {
    const auto hop = invite.route_uri(index).numeric_hop();
    if (!hop || !env_.is_own(*hop)) {
      refuse(invite, arrival, Refusal::kForeignRoute, 403);
      return;
    }
  }
  if (const auto full = find_limit(invite, arrival.source.endpoint.address, *trunk)) {
    refuse(invite, arrival, *full, 503,
           {"Retry-After: " + std::to_string(env_.routing->times().retry_after.count())});
    return;
  }
  forwarder_.start_call(invite, arrival, *trunk);
}

std::optional<Refusal> ProxyCore::find_limit(const Message& invite, const IpAddress& source,
                                             const Trunk& trunk) {
  const ProxyLimits& limits = env_.routing->limits();
  if (env_.draining) return Refusal::kDraining;
  const bool full = env_.exchanges.size() >= limits.transactions;
  if (overload_.refuses(env_.now.steady) || (full && !forwarder_.make_room())) return Refusal::kOverload;
  if (env_.calls.live() >= limits.calls) return Refusal::kTooManyCalls;
  if (!source_rate_.admit(std::hash<IpAddress>{}(source), env_.now.steady)) return Refusal::kSourceRate;
  if (limits.calls_per_second_of_number.per_second > 0) {
    // Where this trunk writes it: an account's calls all have our contact in the Request-URI.
    const Party dialed = dialed_of(invite, trunk.dialed_from, trunk.numbers, env_.attribution);
    if (!number_rate_.admit(std::hash<std::string>{}(dialed.text), env_.now.steady))
      return Refusal::kNumberRate;
  }
  return std::nullopt;
}

void ProxyCore::receive_response(const Message& response, const Arrival& arrival) {
  const ViaView via = response.via(0);
  const auto branch =
      ViaBranch::verify(env_.routing->signer(), via.branch, response.sip_call_id(), response.cseq());
  if (!branch || response.via_count() < 2) {
    // The answer to a CANCEL has no Via but ours.
    Exchange* own = branch ? env_.exchanges.find(branch->exchange) : nullptr;
    if (own == nullptr || response.method() != Method::kCancel || !forwarder_.response(*own, response)) {
      env_.stats.refuse(Refusal::kUnmatchedResponse);
    }
    return;
  }
  Exchange* exchange = env_.exchanges.find(branch->exchange);
  if (exchange != nullptr && forwarder_.response(*exchange, response)) return;
  forward_stateless(*branch, response, arrival);
}

// The answer to a request of an earlier life of this process, or to an ended transaction. Its branch carries
// our signature, so it answers something we sent; it goes where its next Via says (RFC 3261 16.7, 18.2.2).
void ProxyCore::forward_stateless(const ViaBranch& branch, const Message& response, const Arrival& arrival) {
  const IpAddress& source = arrival.source.endpoint.address;
  const bool known = env_.routing->is_line(source) || env_.routing->find_trunk(source) != nullptr;
  const ViaView via = response.via(0);
  const auto hop = response.via(1).response_hop();
  const bool useless = response.status() == 100 || response.method() == Method::kCancel;
  // RFC 4320: but for INVITEs no 1xx, no 408, and nothing of what we have sent and waited for long enough.
  const bool late =
      response.method() != Method::kInvite &&
      (response.status() < 200 || response.status() == 408 || env_.is_of_this_life(branch.exchange));
  if (!known || !hop || useless || late || env_.is_own(*hop)) {
    env_.stats.refuse(Refusal::kUnmatchedResponse);
    return;
  }
  const auto listener = env_.listener_for(*hop, arrival.listener);
  if (!listener) return;
  Message passed = response.clone();
  passed.pop_via();
  filter_identity(passed,
                  {env_.routing->is_trusted_peer(arrival.source), env_.routing->is_trusted_peer(*hop)});
  env_.send(passed, *listener, *hop);
  if (response.method() == Method::kInvite && response.status() >= 300) {
    // The caller's ACK ends here: nothing but this one stops the line's repeating.
    const std::string own_via = env_.via_value(arrival.listener, std::string(via.branch));
    Message ack = make_stateless_ack(response, arrival.source, own_via);
    env_.send(ack, arrival.listener, arrival.source);
  }
  if (branch.call && !env_.calls.knows(*branch.call)) {
    earlier_.see(branch, response, env_.routing->find_trunk(hop->endpoint.address),
                 env_.routing->line_at(arrival.source), env_.now);
  }
}

}  // namespace ringtrace::sip
