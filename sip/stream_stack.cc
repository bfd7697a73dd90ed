#include "sip/stream_stack.h"

#include <array>
#include <cstring>
#include <utility>

#include "sip/message_class.h"
#include "sip/message_defect.h"

namespace ringtrace::sip {

std::optional<Endpoint> endpoint_of(const su_sockaddr_t& socket_address) {
  if (socket_address.su_family == AF_INET) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &socket_address.su_sin.sin_addr, bytes.size());
    return Endpoint{IpAddress::v4(bytes), ntohs(socket_address.su_sin.sin_port)};
  }
  if (socket_address.su_family == AF_INET6) {
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &socket_address.su_sin6.sin6_addr, bytes.size());
    return Endpoint{IpAddress::v6(bytes), ntohs(socket_address.su_sin6.sin6_port)};
  }
  return std::nullopt;
}

namespace {

Transport transport_of(const tport_t* tport) {
  return tport_has_tls(tport) ? Transport::kTls : Transport::kTcp;
}

void receive(tp_stack_t* stack, tport_t* tport, msg_t* raw, tp_magic_t*, su_time_t) {
  const SofiaMessage owned(raw);
  Message message = Message::judged(text_of(raw), find_defect(raw));
  const tport_t* primary = tport_parent(tport);
  std::size_t listener = 0;
  while (listener < stack->primaries.size() && stack->primaries[listener] != primary) ++listener;
  const su_sockaddr_t* from = msg_addr(raw);
  const auto source = from == nullptr ? std::nullopt : endpoint_of(*from);
  if (listener == stack->primaries.size() || !source) {
    stack->handler->on_garbage();
    return;
  }
  const bool broken = !message.is_well_formed();
  stack->receiving = broken && tport_is_secondary(tport) ? tport : nullptr;
  const bool welcome =
      stack->handler->on_message(std::move(message), {{transport_of(tport), *source}, listener});
  stack->receiving = nullptr;
  // After a broken message nobody knows where the next one begins.
  if ((!welcome || broken) && tport_is_secondary(tport)) stack->closing.push_back(tport_ref(tport));
}

void report_error(tp_stack_t* stack, tport_t* tport, int, char const* remote) {
  std::optional<Endpoint> peer;
  if (remote != nullptr) {
    peer = Endpoint::parse(remote);
  } else if (tport_is_secondary(tport)) {
    const tp_name_t* name = tport_name(tport);
    if (name != nullptr && name->tpn_host != nullptr && name->tpn_port != nullptr) {
      const auto address = IpAddress::parse(name->tpn_host);
      const auto port = parse_port(name->tpn_port);
      if (address && port) peer = Endpoint{*address, *port};
    }
  }
  if (peer) stack->handler->on_transport_failed({transport_of(tport), *peer});
}

msg_t* allocate(tp_stack_t* stack, int flags, char const data[], usize_t size, tport_t const*, tp_client_t*) {
  flags |= MSG_DO_EXTRACT_COPY;
  if (data != nullptr) return msg_make(message_class(), flags, data, static_cast<ssize_t>(size));
  msg_t* message = msg_create(message_class(), flags);
  if (message != nullptr) msg_maxsize(message, static_cast<usize_t>(stack->message_bytes));
  return message;
}

void address_changed(tp_stack_t*, tport_t*) {}

constexpr tport_stack_class_t kStackClass = {sizeof(tport_stack_class_t), receive, report_error, allocate,
                                             address_changed};

}  // namespace

const tport_stack_class_t* stream_stack_class() { return &kStackClass; }

}  // namespace ringtrace::sip
