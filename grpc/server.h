#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "grpc/access.h"
#include "grpc/backends.h"
#include "grpc/statistics.h"
#include "grpc/tls_identity.h"
#include "grpc/token_table.h"

namespace ringtrace::rpc {

/// Where and within which limits to serve.
struct ServerConfig {
  /// HOST:PORT; port 0 takes a free one.
  std::string address = "127.0.0.1:7080";

  /// A longer request is refused with MESSAGE_TOO_LARGE, before it is looked at. (Beyond kReadableBytes the
  /// library itself refuses it, with RESOURCE_EXHAUSTED and a text only.)
  std::size_t max_message_bytes = 256 * 1024;

  /// What the library may hold of requests that are not complete, over all connections; beyond it slows down
  /// and closes connections.
  std::size_t max_buffered_bytes = 256 * 1024 * 1024;

  /// Requests and streams under way on one connection; more wait in the client.
  int max_concurrent_streams = 1024;

  /// What one client (a token, or an address where there are no tokens) may have under way.
  ClientLimits client_limits{};

  /// Long streams (events, leases, pools) open at one time, over all connections; more get
  /// RESOURCE_EXHAUSTED.
  std::size_t max_event_streams = 256;

  /// The time between two looks at the pools a client watches.
  std::chrono::milliseconds pool_watch_interval = std::chrono::seconds(1);

  /// A silent connection is asked for a sign of life this often, so that routers on the way do not forget
  /// it...
  std::chrono::milliseconds keepalive_interval = std::chrono::seconds(30);

  /// ...and is given up after this long without one.
  std::chrono::milliseconds keepalive_timeout = std::chrono::seconds(10);

  /// A connection is closed after about this long, between requests, so that clients spread anew over
  /// gateways; what is still under way `connection_grace` later is cancelled. Zero: never.
  std::chrono::milliseconds max_connection_age{0};
  std::chrono::milliseconds connection_grace = std::chrono::seconds(30);

  /// Clients that ask more often than this are sent away (GOAWAY, too_many_pings).
  std::chrono::milliseconds min_client_ping_interval = std::chrono::seconds(10);

  /// None: no TLS.
  std::optional<TlsIdentity> tls{};

  /// None: whoever can connect may do everything.
  std::optional<std::vector<TokenGrant>> tokens{};
};

/// The longest request that is told its own size with an ErrorInfo.
inline constexpr int kReadableBytes = 32 * 1024 * 1024;

/// The gRPC server: LeaseService, CallService and PoolService of ringtrace.v1, health checking (the empty
/// name and each service's) and reflection. The last two need no token: they tell nothing but the interface.
///
///     Server server({.address = "127.0.0.1:7080"}, {leasing, events, calls});
///     if (auto error = server.start()) { log(*error); return; }
///     ...
///     server.stop(std::chrono::seconds(5));
///
/// The library's own threads run the methods; none of them waits. start() and stop() are for one thread; the
/// other members may be called from any. What the constructor is given must outlive the server, and what it
/// was asked must be answered: stop() waits for requests that still wait for the store.
class Server {
 public:
  Server(ServerConfig config, const Backends& backends);

  /// Stops at once if that has not been done.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Listens and serves. On failure: what is wrong, naming the address. Once only.
  std::optional<std::string> start();

  /// The port it listens on; 0 before start().
  int bound_port() const;

  /// Lets health say NOT_SERVING, while everything is still served: load balancers send clients elsewhere.
  void announce_end();

  /// Ends orderly: health says NOT_SERVING, event streams end with UNAVAILABLE, reason DRAINING and the
  /// client's cursor, other requests are finished; what is left after `deadline` is cancelled.
  void stop(std::chrono::milliseconds deadline);

  /// Puts other tokens in place: requests are held to them at once, open streams with their next event.
  void replace_tokens(std::optional<std::vector<TokenGrant>> tokens);

  /// Puts another certificate in place, one that check_tls has passed, for connections that begin from now
  /// on. Only when the server was made with one; a client CA stays asked for, or not, as it was.
  void replace_tls(TlsIdentity identity);

  StatisticsSnapshot statistics() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringtrace::rpc
