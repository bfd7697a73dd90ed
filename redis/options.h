#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrace::redis {

/// Where Redis listens: a unix socket when `unix_path` is set, else TCP.
struct Endpoint {
  std::string unix_path;
  std::string host = "127.0.0.1";
  std::uint16_t port = 6379;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// "unix:/run/redis.sock" or "127.0.0.1:6379"; for logs.
std::string to_string(const Endpoint& endpoint);

/// TLS on a connection over TCP. The server's certificate is always verified: against `ca_file`, or against
/// what the machine trusts, and for the host's name or address.
struct TlsOptions {
  bool on = false;
  std::string ca_file;
  std::string certificate_file;  ///< ours, when the server asks for one; with `key_file`
  std::string key_file;
};

/// A master that Redis Sentinel knows.
struct SentinelOptions {
  std::vector<Endpoint> sentinels;  ///< none: no Sentinel
  std::string master;               ///< its name there
  std::string user;                 ///< of the sentinels themselves
  std::string password;
  /// How often, while connected, a sentinel is asked whether this is the master still.
  std::chrono::milliseconds poll{1'000};
};

/// How to reach Redis, and the limits of one connection. One server by `endpoint`; or the master that the
/// sentinels name; or, by any of its nodes, a Redis Cluster.
struct ConnectionOptions {
  Endpoint endpoint;
  SentinelOptions sentinel;
  std::vector<Endpoint> cluster;  ///< some of its nodes; none: no cluster
  TlsOptions tls;                 ///< of the sentinels, too
  std::string user;               ///< ACL user; empty: the default user
  std::string password;           ///< empty: no AUTH is sent
  int database = 0;               ///< SELECTed when not 0

  /// From the first step of connecting until Redis is ready for commands.
  std::chrono::milliseconds connect_timeout{2'000};
  /// From sending a command to its reply. The oldest command overdue ends the connection: everything sent and
  /// unanswered is in doubt.
  std::chrono::milliseconds command_timeout{1'000};
  /// The wait before a new attempt: from the least, doubled each time up to the most, of which a random half
  /// to whole is waited.
  std::chrono::milliseconds least_back_off{50};
  std::chrono::milliseconds most_back_off{5'000};

  /// Commands not answered yet, waiting or sent; the next one is answered kUnavailable at once.
  std::size_t max_commands = 131'072;
  /// The same by encoded bytes.
  std::size_t max_bytes = std::size_t{64} << 20;
  /// A larger reply ends the connection.
  std::size_t max_reply_bytes = std::size_t{64} << 20;
};

enum class LogLevel : std::uint8_t { kInfo, kWarning, kError };

/// Takes one line of log, from the io thread.
using Log = std::function<void(LogLevel, std::string_view)>;

}  // namespace ringtrace::redis
