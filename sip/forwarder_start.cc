// How a request begins its way: RFC 3261 section 16.6.

#include "sip/asserted_identity.h"
#include "sip/branch.h"
#include "sip/caller.h"
#include "sip/dialed_number.h"
#include "sip/forwarded_from.h"
#include "sip/forwarder.h"
#include "sip/session_timer.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

constexpr std::uint32_t kDefaultMaxForwards = 70;
constexpr std::string_view kOwnHeaders = "X-Ringtrace-";

std::string line_uri(const std::string& user, const Hop& hop) {
  const std::string at = user.empty() ? std::string{} : user + "@";
  return "sip:" + at + hop.endpoint.to_string() + std::string(transport_parameter(hop.transport));
}

std::uint64_t loop_hash_of(const Message& request) {
  return loop_hash(request.request_uri_text(), request.from_tag(), request.to_tag(), request.sip_call_id(),
                   request.cseq(), request.route_text(0));
}

// The checks come first, so that 0 is never passed on as -1.
std::uint32_t decremented(const std::optional<std::uint32_t>& max_forwards) {
  if (!max_forwards) return kDefaultMaxForwards;
  return *max_forwards == 0 ? 0 : *max_forwards - 1;
}

}  // namespace

std::unique_ptr<Exchange> Forwarder::new_exchange(const Message& message, const Arrival& arrival) {
  const Method method = message.method();
  const Transport transport = arrival.source.transport;
  auto exchange = std::make_unique<Exchange>(
      method == Method::kInvite ? Exchange::Machine(InviteServerTransaction(transport, env_.times))
                                : Exchange::Machine(NonInviteServerTransaction(transport, env_.times)));
  do {
    exchange->id = env_.exchange_id();
  } while (env_.exchanges.find(exchange->id) != nullptr);
  exchange->key = exchange_key(message, method);
  exchange->method = method;
  exchange->request = message;
  exchange->source = arrival.source;
  exchange->listener = arrival.listener;
  exchange->routing = env_.routing;
  exchange->loop = loop_hash_of(message);
  exchange->received = env_.now;
  return exchange;
}

void Forwarder::start_call(const Message& message, const Arrival& arrival, const Trunk& trunk) {
  Exchange& exchange = env_.exchanges.add(new_exchange(message, arrival));
  respond(exchange, make_response(message, 100, {}));

  const Party dialed = dialed_of(message, trunk.dialed_from, trunk.numbers, env_.attribution);
  const Party caller = caller_of(message, trunk.numbers, trunk.is_trusted);
  v1::Resolution resolution = env_.attribution.attribute(
      {dialed.number.value_or(pool::Number{}), caller.number.value_or(pool::Number{}), env_.now.wall});

  exchange.setup = std::make_unique<CallSetup>();
  CallSetup& setup = *exchange.setup;
  constexpr std::string_view kPoolPrefix = "pools/";
  std::string_view pool_name = resolution.pool();
  if (pool_name.starts_with(kPoolPrefix)) pool_name.remove_prefix(kPoolPrefix.size());
  setup.choice = exchange.routing->lines_for(pool_name, trunk, env_.random);
  setup.user = user_for_line(message, dialed, trunk.numbers);
  setup.caller_tag = message.from_tag();
  setup.caller_is_withheld = caller.text.empty();
  setup.call = env_.calls.begin({dialed.text, caller.text, trunk.name, std::string(message.sip_call_id()),
                                 std::string(message.from_tag()), std::move(resolution),
                                 forwarded_from(message, dialed, trunk.numbers)},
                                exchange.routing->times().maximum_call, env_.now);
  setup.prepared = prepare_invite(message, exchange, env_.calls.resolution_of(setup.call), dialed.text);
  if (!try_next_line(exchange)) give_final(exchange);
  sweep(exchange);
}

Message Forwarder::prepare_invite(const Message& message, const Exchange& exchange,
                                  const v1::Resolution& resolution, const std::string& dialed) const {
  Message prepared = message.clone();
  while (prepared.has_route()) prepared.pop_route();  // checked before: only our own may be there
  prepared.remove_extension_headers(kOwnHeaders);
  const std::string call_id = exchange.setup->call.to_string();
  prepared.add_extension_header("X-Ringtrace-Call", call_id);
  const std::string& visit = resolution.visit().visit_id();
  if (!visit.empty()) prepared.add_extension_header("X-Ringtrace-Visit", escape_header_value(visit));
  if (!resolution.source().empty()) {
    prepared.add_extension_header("X-Ringtrace-Source", escape_header_value(resolution.source()));
  }
  if (const auto interval = exchange.routing->times().session_expires; interval.count() > 0) {
    ask_for_session_timer(prepared, interval);
  }
  // RFC 5393 section 5.3.1: whoever forks further along knows how far it may.
  if (!prepared.extension_header("Max-Breadth")) prepared.add_extension_header("Max-Breadth", "60");
  const v1::VisitAttributes* attributes =
      resolution.visit().has_attributes() ? &resolution.visit().attributes() : nullptr;
  const HeaderValues values{visit, resolution.source(), dialed, call_id, attributes};
  for (const HeaderTemplate& header : exchange.routing->headers()) {
    prepared.remove_extension_header(header.name());
    const std::string value = header.fill(values);
    if (!value.empty()) prepared.add_extension_header(header.name(), value);
  }
  return prepared;
}

bool Forwarder::try_next_line(Exchange& exchange) {
  CallSetup& setup = *exchange.setup;
  while (setup.next_line < setup.choice.lines.size()) {
    const Line& line = setup.choice.lines[setup.next_line++];
    const auto listener = env_.listener_for(line.hop, exchange.listener);
    if (setup.next_line > 1) ProxyStats::count(env_.stats.line_failovers);
    if (!listener) {
      if (exchange.best_status == 0) exchange.best_status = 503;
      continue;
    }
    env_.calls.set_line(setup.call, line.name);
    Message message = setup.prepared.clone();
    message.set_request_uri(line_uri(setup.user, line.hop));
    const std::string parameters =
        route_parameters(exchange.routing->signer(), {setup.call.to_string(), line.hop, exchange.source},
                         exchange.request.sip_call_id(), exchange.request.from_tag());
    message.prepend_record_route(env_.record_route_uri(exchange.listener, parameters));
    // Two interfaces or transports: each side is given the one it can reach (RFC 3261 16.6 step 4, RFC 5658).
    if (*listener != exchange.listener)
      message.prepend_record_route(env_.record_route_uri(*listener, parameters));
    if (forward(exchange, std::move(message), line.hop)) return true;
  }
  return false;
}

void Forwarder::start_in_dialog(const Message& original, Message message, const Arrival& arrival,
                                const VerifiedTicket& ticket, const Hop& next) {
  Exchange& exchange = env_.exchanges.add(new_exchange(original, arrival));
  const bool from_caller = ticket.from == Side::kCaller;
  exchange.in_dialog = std::make_unique<DialogPart>(
      DialogPart{ticket, std::string(original.sip_call_id()),
                 std::string(from_caller ? original.from_tag() : original.to_tag()),
                 std::string(from_caller ? original.to_tag() : original.from_tag())});
  if (exchange.method == Method::kInvite) {
    respond(exchange, make_response(original, 100, {}));
  } else {
    start_timer(exchange, kServerSlot, Timer::kTrying, env_.times.trying());
  }
  if (!forward(exchange, std::move(message), next)) {
    exchange.best_status = 503;
    request_unanswered(exchange);
  }
  sweep(exchange);
}

bool Forwarder::forward(Exchange& exchange, Message message, const Hop& next) {
  const auto listener = env_.listener_for(next, exchange.listener);
  if (!listener) return false;
  const std::size_t index = exchange.branches.size();
  ViaBranch via{exchange.id, static_cast<std::uint8_t>(index), exchange.loop};
  if (exchange.setup) {
    via.call = exchange.setup->call;
    via.sender = exchange.setup->caller_is_withheld ? Sender::kWithheldCaller : Sender::kCaller;
  } else if (exchange.method == Method::kBye) {
    via.call = CallId::parse(exchange.in_dialog->ticket.ticket.call_id);
    via.sender = exchange.in_dialog->ticket.from == Side::kLine ? Sender::kLine : Sender::kCaller;
  }
  const bool invite = exchange.method == Method::kInvite;
  Branch& branch = exchange.branches.emplace_back(
      invite ? Branch::Machine(InviteClientTransaction(next.transport, env_.times))
             : Branch::Machine(NonInviteClientTransaction(next.transport, env_.times)));
  branch.hop = next;
  branch.listener = *listener;
  branch.trust = exchange.in_dialog ? exchange.routing->trust_of(exchange.in_dialog->ticket)
                                    : exchange.routing->trust_of(exchange.source, next);
  filter_identity(message, branch.trust);
  branch.via_branch = via.to_string(exchange.routing->signer(), message.sip_call_id(), message.cseq());
  message.set_max_forwards(decremented(message.max_forwards()));
  message.prepend_via(env_.via_value(*listener, branch.via_branch));
  branch.request = std::move(message);

  if (invite) {
    start_timer(exchange, exchange.slot_of(branch), Timer::kC, exchange.routing->times().timer_c);
    // The last line gets all the time RFC 3261 gives it: there is nobody else to ask.
    const bool others = exchange.setup && exchange.setup->next_line < exchange.setup->choice.lines.size();
    if (others) {
      start_timer(exchange, exchange.slot_of(branch), Timer::kNoProvisional,
                  exchange.routing->times().no_provisional);
    }
  }
  const Actions actions = std::visit([](auto& machine) { return machine.start(); }, branch.transaction);
  perform_client(exchange, branch, actions, {}, false);
  return true;
}

void Forwarder::forward_ack(Message message, const Arrival& arrival, const Hop& next) {
  const auto listener = env_.listener_for(next, arrival.listener);
  if (!listener) {
    ProxyStats::count(env_.stats.send_failures);
    return;
  }
  // The same ACK again gets the same branch (RFC 3261 section 16.11).
  const Signer& signer = env_.routing->signer();
  const std::uint64_t id = signer.sign64({"ringtrace ack 1", message.sip_call_id(), message.via(0).branch});
  const ViaBranch via{id, 0xff, loop_hash_of(message)};
  const std::string branch = via.to_string(signer, message.sip_call_id(), message.cseq());
  message.set_max_forwards(decremented(message.max_forwards()));
  message.prepend_via(env_.via_value(*listener, branch));
  env_.send(message, *listener, next);
}

}  // namespace ringtrace::sip
