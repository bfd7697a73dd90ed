#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "sip/sip_loop.h"
#include "sip/sofia.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <sofia-sip/su_log.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport.h>
#include <sofia-sip/tport_tag.h>
#pragma GCC diagnostic pop

// What sofia-sip's transports call back: the type is theirs, the contents ours.
struct tp_stack_s {
  ringtrace::sip::SipLoop::Handler* handler = nullptr;
  std::vector<tport_t*> primaries;  ///< by listener; null for UDP
  std::vector<tport_t*> closing;    ///< referenced; closed at the next tick, outside of their own callbacks
  /// Where what is being received came from: of a connection that is to be closed sofia-sip finds no way
  /// back.
  tport_t* receiving = nullptr;
  std::size_t message_bytes = 0;
};

namespace ringtrace::sip {

/// What sofia-sip's stream transports (TCP, TLS) do with what they read: whole messages and dead peers go to
/// the stack's handler. Of static lifetime.
const tport_stack_class_t* stream_stack_class();

/// Nothing for anything but IPv4 and IPv6.
std::optional<Endpoint> endpoint_of(const su_sockaddr_t& socket_address);

}  // namespace ringtrace::sip
