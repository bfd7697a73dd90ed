#include "sip/proxy_environment.h"

#include "sip/text.h"

namespace ringtrace::sip {

ProxyEnvironment::ProxyEnvironment(MessageSender& message_sender, Attribution& attribution_source,
                                   CallSink& sink, ProxyStats& proxy_stats, RandomSource random_source,
                                   std::vector<Listener> bound, std::shared_ptr<const Routing> first_routing,
                                   Instant start)
    : sender(message_sender),
      attribution(attribution_source),
      stats(proxy_stats),
      random(std::move(random_source)),
      listeners(std::move(bound)),
      routing(std::move(first_routing)),
      timers(start.steady),
      calls(sink, stats, timers, random),
      now(start),
      life_(random() >> (64 - kLifeBits)) {}

bool ProxyEnvironment::send(Message& message, std::size_t listener, const Hop& to) {
  if (message.prepare() && sender.send(message, listener, to)) {
    ProxyStats::count(stats.messages_sent);
    return true;
  }
  ProxyStats::count(stats.send_failures);
  return false;
}

void ProxyEnvironment::reply(const Message& request, const Arrival& arrival, int status,
                             const std::vector<std::string>& extra, std::string_view phrase) {
  Message response = make_response(request, status, local_tag(request), extra, phrase);
  send(response, arrival.listener, arrival.source);
}

std::string ProxyEnvironment::local_tag(const Message& request) const {
  return "rt" + to_hex(routing->signer().sign64({"ringtrace tag 1", request.sip_call_id(), request.from_tag(),
                                                 std::to_string(request.cseq())}));
}

std::optional<std::size_t> ProxyEnvironment::listener_for(const Hop& hop, std::size_t preferred) const {
  return find_listener(listeners, hop, preferred);
}

bool ProxyEnvironment::is_own(const Hop& hop) const {
  for (const Listener& listener : listeners) {
    if (listener.transport == hop.transport && listener.advertised == hop.endpoint) return true;
  }
  return false;
}

std::string ProxyEnvironment::via_value(std::size_t listener, const std::string& branch) const {
  return listeners[listener].via_value(branch);
}

std::string ProxyEnvironment::record_route_uri(std::size_t listener, const std::string& parameters) const {
  const Listener& self = listeners[listener];
  return "sip:" + self.advertised.to_string() + std::string(transport_parameter(self.transport)) + ";lr" +
         parameters;
}

void ProxyEnvironment::update_gauges() {
  stats.live_transactions.store(exchanges.size(), std::memory_order_relaxed);
}

}  // namespace ringtrace::sip
