#include "sip/sip_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "sip/sofia.h"
#include "sip/tls_directory.h"

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
  std::vector<tport_t*> primaries;
  std::size_t message_bytes = 0;
};

namespace ringtrace::sip {
namespace {

constexpr unsigned kSocketBuffer = 4u << 20;          // as far as net.core.rmem_max allows
constexpr unsigned kIdleConnection = 30 * 60 * 1000;  // milliseconds
constexpr unsigned kConnectionQueue = 1000;           // messages waiting for one TCP connection

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

Transport transport_of(const tport_t* tport) {
  if (tport_has_tls(tport)) return Transport::kTls;
  return tport_is_tcp(tport) ? Transport::kTcp : Transport::kUdp;
}

void receive(tp_stack_t* stack, tport_t* tport, msg_t* raw, tp_magic_t*, su_time_t) {
  Message message = Message::adopt(raw);
  const tport_t* primary = tport_parent(tport);
  std::size_t listener = 0;
  while (listener < stack->primaries.size() && stack->primaries[listener] != primary) ++listener;
  const su_sockaddr_t* from = msg_addr(raw);
  const auto source = from == nullptr ? std::nullopt : endpoint_of(*from);
  if (listener == stack->primaries.size() || !source || !message.is_well_formed()) {
    stack->handler->on_garbage();
    return;
  }
  stack->handler->on_message(std::move(message), {{transport_of(tport), *source}, listener});
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
  if (data != nullptr) return msg_make(sip_default_mclass(), flags, data, static_cast<ssize_t>(size));
  msg_t* message = msg_create(sip_default_mclass(), flags);
  if (message != nullptr) msg_maxsize(message, static_cast<usize_t>(stack->message_bytes));
  return message;
}

void address_changed(tp_stack_t*, tport_t*) {}

constexpr tport_stack_class_t kStackClass = {sizeof(tport_stack_class_t), receive, report_error, allocate,
                                             address_changed};

void discard_log(void*, char const*, va_list) {}

}  // namespace

struct SipLoop::Sofia {
  su_root_t* root = nullptr;
  su_timer_t* timer = nullptr;
  tport_t* master = nullptr;
  tp_stack_s stack;
  int event = -1;
  int event_index = 0;

  std::mutex mutex;
  std::vector<std::function<void()>> posted;  // guarded by mutex
  bool closed = false;                        // guarded by mutex

  static int drain(su_root_magic_t*, su_wait_t*, su_wakeup_arg_t* self) {
    reinterpret_cast<Sofia*>(self)->run_posted();
    return 0;
  }

  static void tick(su_root_magic_t*, su_timer_t*, su_timer_arg_t* self) {
    reinterpret_cast<Sofia*>(self)->stack.handler->on_tick();
  }

  void run_posted() {
    eventfd_t count = 0;
    eventfd_read(event, &count);
    std::vector<std::function<void()>> commands;
    {
      const std::lock_guard lock(mutex);
      commands.swap(posted);
    }
    for (const auto& command : commands) command();
  }

  // The new primary transport of one socket; null with errno set.
  tport_t* bind(const ListenConfig& config, const std::string& host, const TlsConfig& tls,
                const std::string& tls_directory) {
    const std::string port = config.port == 0 ? "*" : std::to_string(config.port);
    const char* protocol = transport_name(config.transport).data();
    const unsigned verify = (tls.verify_lines ? unsigned{TPTLS_VERIFY_OUTGOING} : 0u) |
                            (tls.verify_trunks ? unsigned{TPTLS_VERIFY_INCOMING} : 0u);
    const char* const protocols[] = {protocol, nullptr};
    tp_name_t name{};
    name.tpn_proto = protocol;
    name.tpn_canon = host.c_str();
    name.tpn_host = host.c_str();
    name.tpn_port = port.c_str();
    if (tport_tbind(master, &name, protocols, TPTAG_SERVER(1),
                    TAG_IF(config.transport == Transport::kTls, TPTAG_CERTIFICATE(tls_directory.c_str())),
                    // 0: the newest that both sides speak; the default is TLS 1.0 alone.
                    TPTAG_TLS_VERSION(0), TPTAG_TLS_VERIFY_POLICY(verify), TAG_END()) < 0) {
      return nullptr;
    }
    tport_t* last = nullptr;
    for (tport_t* primary = tport_primaries(master); primary != nullptr; primary = tport_next(primary)) {
      bool known = false;
      for (const tport_t* other : stack.primaries) known = known || other == primary;
      if (!known) last = primary;
    }
    return last;
  }
};

SipLoop::SipLoop(Handler& handler) : sofia_(std::make_unique<Sofia>()) {
  su_init();
  su_log_redirect(nullptr, discard_log, nullptr);
  sofia_->stack.handler = &handler;
}

SipLoop::~SipLoop() { close(); }

void SipLoop::close() {
  {
    const std::lock_guard lock(sofia_->mutex);
    if (std::exchange(sofia_->closed, true)) return;
    sofia_->posted.clear();
  }
  if (sofia_->timer != nullptr) su_timer_destroy(sofia_->timer);
  if (sofia_->master != nullptr) tport_destroy(sofia_->master);
  if (sofia_->event_index > 0) su_root_deregister(sofia_->root, sofia_->event_index);
  if (sofia_->event >= 0) ::close(sofia_->event);
  if (sofia_->root != nullptr) su_root_destroy(sofia_->root);
}

std::variant<std::vector<Listener>, std::string> SipLoop::open(const std::vector<ListenConfig>& listen,
                                                               const TlsConfig& tls,
                                                               std::size_t message_bytes) {
  sofia_->stack.message_bytes = message_bytes;
  sofia_->root = su_root_create(nullptr);
  if (sofia_->root == nullptr) return std::string("the SIP event loop cannot be created");
  sofia_->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  su_wait_t wait[1];
  if (sofia_->event < 0 || su_wait_create(wait, sofia_->event, SU_WAIT_IN) < 0) {
    return std::string("no event descriptor for the SIP event loop");
  }
  sofia_->event_index =
      su_root_register(sofia_->root, wait, Sofia::drain, reinterpret_cast<su_wakeup_arg_t*>(sofia_.get()), 0);
  sofia_->timer =
      su_timer_create(su_root_task(sofia_->root), static_cast<su_duration_t>(TimerQueue::kTick.count()));
  sofia_->master = tport_tcreate(&sofia_->stack, &kStackClass, sofia_->root, TPTAG_IDLE(kIdleConnection),
                                 TPTAG_QUEUESIZE(kConnectionQueue), TPTAG_STUN_SERVER(0), TPTAG_LOG(0),
                                 TPTAG_UDP_RMEM(kSocketBuffer), TPTAG_UDP_WMEM(kSocketBuffer), TAG_END());
  if (sofia_->event_index <= 0 || sofia_->timer == nullptr || sofia_->master == nullptr) {
    return std::string("the SIP event loop cannot be created");
  }

  TlsDirectory directory;
  const bool wants_tls = std::any_of(listen.begin(), listen.end(), [](const ListenConfig& config) {
    return config.transport == Transport::kTls;
  });
  if (wants_tls) {
    if (auto problem = directory.make(tls)) return *problem;
  }
  std::vector<Listener> listeners;
  for (const ListenConfig& config : listen) {
    const auto host = IpAddress::parse(config.host);
    const auto advertised =
        IpAddress::parse(config.advertised_host.empty() ? config.host : config.advertised_host);
    const std::string where = std::string(transport_name(config.transport)) + " " + config.host + ":" +
                              std::to_string(config.port) + ": ";
    if (!host) return where + "not a numeric address";
    if (!advertised || !advertised->is_unicast()) return where + "needs the address that peers reach it at";
    tport_t* primary = sofia_->bind(config, host->to_host(), tls, directory.path());
    if (primary == nullptr) return where + std::strerror(errno);
    const auto port = parse_port(tport_name(primary)->tpn_port);
    if (!port) return where + "has no port";
    sofia_->stack.primaries.push_back(primary);
    listeners.push_back({config.transport, {*advertised, *port}});
  }
  su_timer_set_for_ever(sofia_->timer, Sofia::tick, reinterpret_cast<su_timer_arg_t*>(sofia_.get()));
  return listeners;
}

void SipLoop::run() { su_root_run(sofia_->root); }

void SipLoop::leave() { su_root_break(sofia_->root); }

bool SipLoop::post(std::function<void()> command) {
  const std::lock_guard lock(sofia_->mutex);
  if (sofia_->closed || sofia_->event < 0 || sofia_->posted.size() >= kMaximumPosted) return false;
  sofia_->posted.push_back(std::move(command));
  return eventfd_write(sofia_->event, 1) == 0;
}

bool SipLoop::send(const Message& message, std::size_t listener, const Hop& to) {
  if (listener >= sofia_->stack.primaries.size() || to.endpoint.port == 0) return false;
  const std::string host = to.endpoint.address.to_host();
  const std::string port = std::to_string(to.endpoint.port);
  tp_name_t name{};
  name.tpn_proto = transport_name(to.transport).data();
  name.tpn_canon = host.c_str();
  name.tpn_host = host.c_str();
  name.tpn_port = port.c_str();
  // UDP stays UDP at any size: carriers take fragments, and a silent TCP port would cost seconds.
  return tport_tsend(sofia_->stack.primaries[listener], message.get(), &name, TPTAG_MTU(65535), TAG_END()) !=
         nullptr;
}

}  // namespace ringtrace::sip
