#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "grpc/backends.h"
#include "grpc/statistics.h"

namespace ringtrace::rpc {

/// Where and within which limits to serve.
struct ServerConfig {
  /// HOST:PORT; port 0 takes a free one.
  std::string address = "127.0.0.1:7080";

  /// A longer request is refused by the library with RESOURCE_EXHAUSTED.
  int max_message_bytes = 64 * 1024;

  /// Requests under way on one connection; more wait in the client.
  int max_concurrent_streams = 1024;

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

  /// Clients that ask more often than this are sent away (GOAWAY, too_many_pings).
  std::chrono::milliseconds min_client_ping_interval = std::chrono::seconds(10);
};

/// The gRPC server: LeaseService, CallService and PoolService of ringtrace.v1, health checking (the empty
/// name and each service's) and reflection.
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

  /// Ends orderly: health says NOT_SERVING, event streams end with UNAVAILABLE, reason DRAINING and the
  /// client's cursor, other requests are finished; what is left after `deadline` is cancelled.
  void stop(std::chrono::milliseconds deadline);

  StatisticsSnapshot statistics() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringtrace::rpc
