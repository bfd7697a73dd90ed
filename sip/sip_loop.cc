#include "sip/sip_loop.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <mutex>
#include <utility>

#include "sip/message_defect.h"
#include "sip/stream_stack.h"
#include "sip/tls_directory.h"
#include "sip/tls_peer_check.h"
#include "sip/tls_release.h"
#include "sip/udp_socket.h"

namespace ringtrace::sip {
namespace {

constexpr unsigned kConnectionQueue = 1000;        // messages waiting for one TCP connection
constexpr unsigned kMessageTimeout = 30'000;       // milliseconds for the rest of a begun message
constexpr std::chrono::seconds kSweepInterval{1};  // of connections
constexpr std::size_t kDatagramsAtOnce = 512;      // then timers and connections have their turn
constexpr std::size_t kNewCallsAtOnce = 8;

void discard_log(void*, char const*, va_list) {}

}  // namespace

struct SipLoop::Sofia {
  struct UdpListener {
    Sofia* sofia = nullptr;
    std::size_t index = 0;  ///< of the listener
    UdpSocket socket;
    int registration = 0;
  };
  struct WaitingCall {
    std::string text;
    Arrival arrival;
    SteadyTime since;
  };

  su_root_t* root = nullptr;
  tport_t* master = nullptr;
  tp_stack_s stack;
  int event = -1;
  int event_index = 0;
  // The kernel's: sofia-sip counts what is left until a timer in whole milliseconds, rounded down, and spins
  // through the last one.
  int clock = -1;
  int clock_index = 0;
  std::vector<std::unique_ptr<UdpListener>> udp;  ///< by listener; null for streams
  std::deque<WaitingCall> new_calls;
  std::size_t connections = 0;              ///< that are allowed
  bool verify_peers = false;                ///< those that we connect to over TLS
  PeerNames names;                          ///< of the peers at these places
  std::vector<std::uint16_t> stream_ports;  ///< where connections are accepted
  SteadyTime next_sweep{};
  SteadyTime next_tick = SteadyTime::max();  ///< what the clock is set to

  std::mutex mutex;
  std::vector<std::function<void()>> posted;  // guarded by mutex
  bool closed = false;                        // guarded by mutex

  static int drain(su_root_magic_t*, su_wait_t*, su_wakeup_arg_t* self) {
    reinterpret_cast<Sofia*>(self)->run_posted();
    return 0;
  }

  static int tick(su_root_magic_t*, su_wait_t*, su_wakeup_arg_t* argument) {
    auto* self = reinterpret_cast<Sofia*>(argument);
    std::uint64_t expirations = 0;
    if (read(self->clock, &expirations, sizeof expirations) < 0) return 0;
    self->close_connections();
    self->next_tick = SteadyTime::max();
    const SteadyTime wanted = self->stack.handler->on_tick();
    self->tick_at(std::min(wanted, std::chrono::steady_clock::now() + kLongestSleep));
    return 0;
  }

  // The clock rings at `time`, or at an earlier one that it is set to.
  void tick_at(SteadyTime time) {
    time = std::max(time, std::chrono::steady_clock::now() + std::chrono::milliseconds{1});
    if (time >= next_tick) return;
    next_tick = time;
    const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
    const itimerspec once{{0, 0}, {since / 1'000'000'000, since % 1'000'000'000}};
    timerfd_settime(clock, TFD_TIMER_ABSTIME, &once, nullptr);
  }

  static int readable(su_root_magic_t*, su_wait_t* wait, su_wakeup_arg_t* argument) {
    auto* listener = reinterpret_cast<UdpListener*>(argument);
    if ((wait->revents & SU_WAIT_ERR) != 0) {
      listener->socket.receive_errors([listener](const Endpoint& peer) {
        listener->sofia->stack.handler->on_transport_failed({Transport::kUdp, peer});
      });
    }
    listener->sofia->serve_datagrams();
    return 0;
  }

  // What the handler has sent leaves before the loop sleeps, many datagrams with one system call.
  static void before_sleep(su_prepoll_magic_t* argument, su_root_t*) {
    reinterpret_cast<Sofia*>(argument)->send_datagrams();
  }

  void send_datagrams() {
    for (const auto& listener : udp) {
      if (!listener) continue;
      listener->socket.flush([this](const Endpoint& peer) {
        stack.handler->on_transport_failed({Transport::kUdp, peer});
      });
    }
  }

  // Who must be at this place.
  std::shared_ptr<const TlsPeer> peer_at(const Hop& hop) {
    auto peer = std::make_shared<TlsPeer>();
    const auto known = names.find(hop.endpoint);
    if (known != names.end()) {
      peer->names = known->second;
    } else {
      // Another port of a known machine, as a Contact may name it.
      for (const auto& [endpoint, theirs] : names) {
        if (endpoint.address != hop.endpoint.address) continue;
        peer->names.insert(peer->names.end(), theirs.begin(), theirs.end());
      }
    }
    if (peer->names.empty()) peer->names.push_back(hop.endpoint.address.to_string());
    peer->refused = [this, hop](const std::string& reason) { stack.handler->on_stranger(hop, reason); };
    return peer;
  }

  void serve_datagrams() {
    for (const auto& listener : udp) {
      if (!listener) continue;
      listener->socket.receive(kDatagramsAtOnce, [&](const UdpSocket::Datagram& datagram) {
        const Arrival arrival{{Transport::kUdp, datagram.source}, listener->index, datagram.waited};
        if (!stack.handler->is_new_call(datagram.bytes)) {
          stack.handler->on_datagram(datagram.bytes, arrival);
        } else if (new_calls.size() >= kMaximumWaiting) {
          stack.handler->on_dropped_new_call();
        } else {
          new_calls.push_back({std::string(datagram.bytes), arrival, std::chrono::steady_clock::now()});
        }
      });
    }
    for (std::size_t i = 0; i < kNewCallsAtOnce && !new_calls.empty(); ++i) {
      const WaitingCall call = std::move(new_calls.front());
      new_calls.pop_front();
      Arrival arrival = call.arrival;
      arrival.waited += std::chrono::steady_clock::now() - call.since;
      stack.handler->on_datagram(call.text, arrival);
    }
    if (!new_calls.empty()) eventfd_write(event, 1);  // come back for the rest
  }

  void close_connections() {
    for (tport_t* tport : std::exchange(stack.closing, {})) {
      stack.handler->on_connection_closed();
      tport_shutdown(tport, 2);
      tport_unref(tport);
    }
    const SteadyTime now = std::chrono::steady_clock::now();
    if (stream_ports.empty() || now < next_sweep) return;
    next_sweep = now + kSweepInterval;
    close_excess();
  }

  // sofia-sip accepts whatever comes and names no full list of it, so the process's own descriptors are
  // looked through. A connection that is shut down here ends for sofia-sip as if its peer had closed it.
  void close_excess() {
    std::size_t accepted = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
      const int descriptor = std::atoi(entry.path().filename().c_str());
      if (!is_accepted(descriptor) || ++accepted <= connections) continue;
      stack.handler->on_connection_closed();
      ::shutdown(descriptor, SHUT_RDWR);
    }
  }

  bool is_accepted(int descriptor) const {
    su_sockaddr_t peer{};
    su_sockaddr_t local{};
    socklen_t peer_size = sizeof peer;
    socklen_t local_size = sizeof local;
    if (getpeername(descriptor, &peer.su_sa, &peer_size) != 0) return false;
    if (getsockname(descriptor, &local.su_sa, &local_size) != 0) return false;
    const auto endpoint = endpoint_of(local);
    return endpoint &&
           std::find(stream_ports.begin(), stream_ports.end(), endpoint->port) != stream_ports.end();
  }

  void tick_soon() { tick_at(std::chrono::steady_clock::now() + TimerQueue::kTick); }

  void run_posted() {
    eventfd_t count = 0;
    eventfd_read(event, &count);
    std::vector<std::function<void()>> commands;
    {
      const std::lock_guard lock(mutex);
      commands.swap(posted);
    }
    for (const auto& command : commands) command();
    if (!commands.empty()) tick_soon();
    serve_datagrams();
  }

  // Has `called` called when there is something to read; 0 when that cannot be had.
  int watch(int descriptor, su_wakeup_f called) {
    su_wait_t wait[1];
    if (descriptor < 0 || su_wait_create(wait, descriptor, SU_WAIT_IN) < 0) return 0;
    return su_root_register(root, wait, called, reinterpret_cast<su_wakeup_arg_t*>(this), 0);
  }

  // Null with errno set when the address cannot be had.
  std::unique_ptr<UdpListener> bind_udp(const Endpoint& local, std::size_t index) {
    auto listener = std::make_unique<UdpListener>();
    listener->sofia = this;
    listener->index = index;
    if (!listener->socket.open(local)) return nullptr;
    su_wait_t wait[1];
    if (su_wait_create(wait, listener->socket.descriptor(), SU_WAIT_IN) < 0) return nullptr;
    listener->registration =
        su_root_register(root, wait, readable, reinterpret_cast<su_wakeup_arg_t*>(listener.get()), 0);
    return listener->registration > 0 ? std::move(listener) : nullptr;
  }

  // The new primary transport of one socket; null with errno set.
  tport_t* bind(const ListenConfig& config, const std::string& host, const TlsConfig& tls,
                const std::string& tls_directory) {
    const std::string port = config.port == 0 ? "*" : std::to_string(config.port);
    const unsigned verify = (tls.verify_lines ? unsigned{TPTLS_VERIFY_OUTGOING} : 0u) |
                            (tls.verify_trunks ? unsigned{TPTLS_VERIFY_INCOMING} : 0u);
    const char* const protocols[] = {transport_name(config.transport).data(), nullptr};
    tp_name_t name{};
    name.tpn_proto = protocols[0];
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
  for (tport_t* tport : sofia_->stack.closing) tport_unref(tport);
  if (sofia_->master != nullptr) tport_destroy(sofia_->master);
  for (const auto& listener : sofia_->udp) {
    if (listener) su_root_deregister(sofia_->root, listener->registration);
  }
  sofia_->udp.clear();
  for (const auto& [descriptor, index] :
       {std::pair(sofia_->event, sofia_->event_index), std::pair(sofia_->clock, sofia_->clock_index)}) {
    if (index > 0) su_root_deregister(sofia_->root, index);
    if (descriptor >= 0) ::close(descriptor);
  }
  if (sofia_->root != nullptr) su_root_destroy(sofia_->root);
}

std::variant<std::vector<Listener>, std::string> SipLoop::open(const std::vector<ListenConfig>& listen,
                                                               const TlsConfig& tls,
                                                               const ProxyLimits& limits) {
  sofia_->stack.message_bytes = limits.message_bytes;
  sofia_->connections = limits.connections;
  sofia_->verify_peers = tls.verify_lines;
  sofia_->root = su_root_create(nullptr);
  if (sofia_->root == nullptr) return std::string("the SIP event loop cannot be created");
  sofia_->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  sofia_->clock = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  sofia_->event_index = sofia_->watch(sofia_->event, Sofia::drain);
  sofia_->clock_index = sofia_->watch(sofia_->clock, Sofia::tick);
  sofia_->master = tport_tcreate(
      &sofia_->stack, stream_stack_class(), sofia_->root,
      TPTAG_IDLE(static_cast<unsigned>(limits.idle_connection.count())), TPTAG_TIMEOUT(kMessageTimeout),
      TPTAG_PONG2PING(1), TPTAG_QUEUESIZE(kConnectionQueue), TPTAG_STUN_SERVER(0), TPTAG_LOG(0), TAG_END());
  if (sofia_->event_index <= 0 || sofia_->clock_index <= 0 || sofia_->master == nullptr) {
    return std::string("the SIP event loop cannot be created");
  }

  TlsDirectory directory;
  const bool wants_tls = std::any_of(listen.begin(), listen.end(), [](const ListenConfig& config) {
    return config.transport == Transport::kTls;
  });
  if (wants_tls) {
    if (auto problem = directory.make(tls)) return *problem;
    release_tls_connections();
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
    std::optional<std::uint16_t> port;
    tport_t* primary = nullptr;
    std::unique_ptr<Sofia::UdpListener> datagrams;
    if (config.transport == Transport::kUdp) {
      datagrams = sofia_->bind_udp({*host, config.port}, listeners.size());
      if (datagrams == nullptr) return where + std::strerror(errno);
      port = datagrams->socket.port();
    } else {
      primary = sofia_->bind(config, host->to_host(), tls, directory.path());
      if (primary == nullptr) return where + std::strerror(errno);
      port = parse_port(tport_name(primary)->tpn_port);
      if (port) sofia_->stream_ports.push_back(*port);
    }
    if (!port) return where + "has no port";
    sofia_->stack.primaries.push_back(primary);
    sofia_->udp.push_back(std::move(datagrams));
    listeners.push_back({config.transport, {*advertised, *port}});
  }
  if (su_root_add_prepoll(sofia_->root, Sofia::before_sleep,
                          reinterpret_cast<su_prepoll_magic_t*>(sofia_.get())) != 0) {
    return std::string("the SIP event loop cannot be created");
  }
  sofia_->tick_soon();
  return listeners;
}

void SipLoop::run() {
  su_root_run(sofia_->root);
  sofia_->send_datagrams();
}

void SipLoop::leave() { su_root_break(sofia_->root); }

bool SipLoop::post(std::function<void()> command) {
  const std::lock_guard lock(sofia_->mutex);
  if (sofia_->closed || sofia_->event < 0 || sofia_->posted.size() >= kMaximumPosted) return false;
  sofia_->posted.push_back(std::move(command));
  return eventfd_write(sofia_->event, 1) == 0;
}

void SipLoop::tick_soon() { sofia_->tick_soon(); }

void SipLoop::expect(PeerNames names) { sofia_->names = std::move(names); }

bool SipLoop::send(const Message& message, std::size_t listener, const Hop& to) {
  if (listener >= sofia_->stack.primaries.size() || to.endpoint.port == 0) return false;
  if (const auto& datagrams = sofia_->udp[listener]) return datagrams->socket.send(message, to.endpoint);
  const std::string host = to.endpoint.address.to_host();
  const std::string port = std::to_string(to.endpoint.port);
  tp_name_t name{};
  name.tpn_proto = transport_name(to.transport).data();
  name.tpn_canon = host.c_str();
  name.tpn_host = host.c_str();
  name.tpn_port = port.c_str();
  std::optional<TlsPeerCheck> check;
  if (to.transport == Transport::kTls && sofia_->verify_peers)
    check.emplace([this, &to] { return sofia_->peer_at(to); });
  const SofiaMessage written = make_verbatim(message.text());
  // All that is sent while a broken message is looked at is its answer.
  tport_t* way =
      sofia_->stack.receiving != nullptr ? sofia_->stack.receiving : sofia_->stack.primaries[listener];
  return written != nullptr && tport_tsend(way, written.get(), &name, TAG_END()) != nullptr;
}

}  // namespace ringtrace::sip
