#include "sip/listener.h"

namespace ringtrace::sip {

std::string Listener::via_value(const std::string& branch) const {
  return "SIP/2.0/" + std::string(via_transport(transport)) + " " + advertised.to_string() +
         ";branch=" + branch + ";rport";
}

std::optional<std::size_t> find_listener(const std::vector<Listener>& listeners, const Hop& hop,
                                         std::size_t preferred) {
  const auto fits = [&](std::size_t index) {
    const Listener& listener = listeners[index];
    return listener.transport == hop.transport &&
           listener.advertised.address.family() == hop.endpoint.address.family();
  };
  if (preferred < listeners.size() && fits(preferred)) return preferred;
  for (std::size_t index = 0; index < listeners.size(); ++index) {
    if (fits(index)) return index;
  }
  return std::nullopt;
}

}  // namespace ringtrace::sip
