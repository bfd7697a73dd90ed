#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/number.h"
#include "pool/time.h"
#include "sip/endpoint.h"

namespace ringtrace::gateway {

/// Reads "250ms", "150s", "30m", "1h30m", "7d": one or more whole numbers with a unit (d, h, m, s, ms), the
/// larger units first, each at most once. None when it is not of that form or is longer than 100 years.
std::optional<pool::Duration> parse_duration(std::string_view text);

/// The shortest text that parse_duration reads as `duration`, such as "1h30m"; "0s" for zero.
std::string format_duration(pool::Duration duration);

/// An address to listen on or to connect to. The host is an IPv4 or IPv6 address, never a name.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;

  /// "127.0.0.1:7080", "[::1]:7080".
  std::string to_string() const;
  bool is_loopback() const;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// Reads "127.0.0.1:7080" or "[::1]:7080". Port 0 (any free one) only where `any_port`.
std::optional<Endpoint> parse_endpoint(std::string_view text, bool any_port);

/// Where SIP is spoken.
struct SipEndpoint {
  sip::Transport transport = sip::Transport::kUdp;
  Endpoint endpoint;

  /// "udp:127.0.0.1:5060".
  std::string to_string() const;
  friend bool operator==(const SipEndpoint&, const SipEndpoint&) = default;
};

/// Reads "udp:127.0.0.1:5060", "tcp:[::1]:5060" or "tls:192.0.2.1:5061".
std::optional<SipEndpoint> parse_sip_endpoint(std::string_view text, bool any_port);

/// Reads what parse_sip_endpoint() reads, and names, with or without a port: "udp:pbx.example.com".
std::optional<sip::Target> parse_sip_target(std::string_view text);

/// Where Redis is: one server, the master that Sentinel names, or a Cluster.
struct RedisAddress {
  enum class Kind : std::uint8_t { kServer, kSentinel, kCluster };

  std::string socket_path;     ///< of a unix socket; empty for TCP
  std::string host;            ///< TCP: a name or an address
  std::uint16_t port = 6379;   ///< TCP
  std::uint32_t database = 0;  ///< index for SELECT
  Kind kind = Kind::kServer;
  bool tls = false;
  std::string master{};  ///< kSentinel: its name there
  friend bool operator==(const RedisAddress&, const RedisAddress&) = default;
};

/// Reads "unix:///run/redis/redis.sock", "tcp://127.0.0.1:6379/0", "sentinel://MASTER/0" or
/// "cluster://127.0.0.1:6379"; port and database may be left out, and a unix path may end in "?db=1". With
/// TLS: "tls://", "sentinel+tls://", "cluster+tls://".
std::optional<RedisAddress> parse_redis_url(std::string_view text);

/// True for an IPv4 or IPv6 address, or a block of them ("203.0.113.0/24", "2001:db8::/32") that begins at
/// its first address.
bool is_address_block(std::string_view text);

/// Numbers from `first` to `last`, both included.
struct NumberRange {
  pool::Number first;
  pool::Number last;
  std::uint64_t size() const { return last.digits() - first.digits() + 1; }
};

/// Reads "+74950000001" or "+74950000010-+74950000019".
std::optional<NumberRange> parse_number_range(std::string_view text);

/// The text without spaces, tabs and line ends around it.
std::string_view trimmed(std::string_view text);

}  // namespace ringtrace::gateway
