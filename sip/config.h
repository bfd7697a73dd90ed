#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sip/dialed_source.h"
#include "sip/endpoint.h"
#include "sip/number_reader.h"
#include "sip/place.h"

/// The proxy's configuration in plain values; Routing (sip/routing.h) is what it becomes once checked.

namespace ringtrace::sip {

/// Where the proxy listens: one transport on one numeric address.
struct ListenConfig {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5060;  ///< 0: any free one
  Transport transport = Transport::kUdp;
  /// The address peers reach us at, written into Via and Record-Route; needed when `host` is 0.0.0.0 or ::.
  std::string advertised_host;
};

/// An account at a carrier that sends calls to where it is registered from (RFC 3261 section 10).
struct RegistrationConfig {
  std::vector<Target> registrars;  ///< tried in order
  std::string domain;              ///< of the account's address; empty: the first registrar's host
  std::string user;
  std::string auth_user;  ///< for the digest; empty: `user`
  std::string password;
  std::chrono::seconds expires{600};  ///< asked for

  friend bool operator==(const RegistrationConfig&, const RegistrationConfig&) = default;
};

/// Where calls come from: source addresses, an account that is registered, or both.
struct TrunkConfig {
  std::string name;
  std::vector<std::string> addresses;  ///< "192.0.2.0/24", "2001:db8::5"
  NumberPlan numbers{};
  /// Where the dialed number is looked for, in this order; empty: the Request-URI alone.
  std::vector<DialedSource> dialed_from{};
  std::vector<Transport> transports{};  ///< over which requests are taken; empty: all
  std::optional<RegistrationConfig> registration{};
  /// Where this trunk's calls go when no line of their group can be had; an address, no name.
  std::optional<Target> emergency_line{};
  bool is_emergency_line_trusted = true;  ///< as LineConfig::is_trusted
  /// Inside the domain of trust of RFC 3325: its word on who calls is taken and passes.
  bool is_trusted = true;
};

/// Where calls go: a company SIP target.
struct LineConfig {
  std::string name;
  std::string host;           ///< an address or a name
  std::uint16_t port = 5060;  ///< 0: a name's by its SRV records, else the transport's own
  Transport transport = Transport::kUdp;
  std::uint32_t priority = 0;  ///< lower ones are tried first
  std::uint32_t weight = 1;    ///< share of the calls among lines of one priority, 1..65535
  /// Inside the domain of trust of RFC 3325: it may know a caller who asks for privacy, and its word on who
  /// it is passes.
  bool is_trusted = true;
};

struct LineGroupConfig {
  std::string name;
  std::vector<LineConfig> lines;
  /// How long one of its lines may ring; 0: ProxyTimes::ring_timeout.
  std::chrono::milliseconds ring_timeout{0};
  /// When a line has rung that long, the next one is tried instead of giving the call up.
  bool next_after_ring_timeout = false;
};

/// How lines are asked whether they are there: OPTIONS (RFC 3261 section 11).
struct HealthConfig {
  std::chrono::milliseconds interval{0};     ///< between two questions; 0: lines are not asked
  std::chrono::milliseconds timeout{4'000};  ///< until a question counts as unanswered
  unsigned down_after = 3;                   ///< unanswered questions in a row
  unsigned up_after = 2;                     ///< answers in a row
};

struct DnsConfig {
  std::vector<std::string> servers;                  ///< "192.0.2.53:53"; empty: those of the system
  std::chrono::milliseconds longest{5 * 60 * 1000};  ///< names are asked again after this, whatever their TTL
  std::map<Target, std::vector<Place>> remembered{};  ///< what an earlier process was told last
};

/// Files of TLS (PEM); all empty: no TLS listener or line can be had.
struct TlsConfig {
  std::string certificate;  ///< ours, with its chain
  std::string key;
  std::string authorities;     ///< who signs our peers' certificates; empty: the system's
  bool verify_lines = true;    ///< refuse lines and registrars without a valid certificate
  bool verify_trunks = false;  ///< ask callers for a certificate too
};

/// A header added to every INVITE for a line; see HeaderTemplate.
struct HeaderConfig {
  std::string name;
  std::string text;
};

/// No call is set up for longer, however many lines of a group it rings at in turn.
inline constexpr std::chrono::hours kLongestSetup{1};

struct ProxyTimes {
  std::chrono::milliseconds no_provisional{4000};   ///< silence of a line until the next one is tried
  std::chrono::milliseconds ring_timeout{120'000};  ///< ringing of a line until the call is given up
  std::chrono::milliseconds timer_c{185'000};       ///< RFC 3261 16.6 step 11: more than 3 minutes
  /// Calls that were answered longer ago are closed, at least a minute.
  std::chrono::milliseconds maximum_call{4 * 3600 * 1000};
  /// Asked for where a side can refresh calls (RFC 4028), at least 90 s; 0: never.
  std::chrono::seconds session_expires{1800};
  std::chrono::seconds retry_after{5};  ///< asked of callers refused by overload
};

/// So many calls a second, and so many at once after a quiet time; 0 a second: no limit.
struct CallRate {
  std::uint32_t per_second = 0;
  std::uint32_t burst = 1;
};

struct ProxyLimits {
  std::size_t calls = 100'000;  ///< live calls; beyond it 503
  /// Requests passing through or remembered for their retransmissions (32 s; a call has two). Beyond it those
  /// remembered for longest make room, after 5 s; when there are none, new calls get 503, and beyond twice
  /// that all others.
  std::size_t transactions = 200'000;
  std::size_t message_bytes = 65'535;  ///< larger ones get 513 over UDP and end a connection
  std::size_t headers = 200;           ///< lines before the body; more are 400
  std::size_t vias = 70;               ///< hops a message may have behind it
  std::size_t connections = 1'000;     ///< TCP connections from peers; beyond it the newest are closed
  std::chrono::milliseconds idle_connection{10 * 60 * 1000};  ///< an unused TCP connection is closed
  CallRate calls_per_second_of_source{};                      ///< new calls from one address; beyond it 503
  CallRate calls_per_second_of_number{};                      ///< new calls to one number; beyond it 503
  /// How long requests for new calls may wait to be served; when they wait longer all the time, they get 503.
  std::chrono::milliseconds queueing_delay{50};
};

struct ProxyConfig {
  std::vector<ListenConfig> listen;  ///< at least one; not changed by reload
  std::vector<TrunkConfig> trunks;
  std::vector<LineGroupConfig> line_groups;
  std::string default_line_group;
  /// The line group of each pool's calls, by the pool's name; the default group for the others.
  std::map<std::string, std::string, std::less<>> pool_line_groups;
  std::vector<HeaderConfig> headers;
  /// Signs Record-Route parameters; at least 16 bytes, the same after a restart and on every gateway.
  std::string signing_key;
  ProxyTimes times;
  ProxyLimits limits;
  HealthConfig health;
  DnsConfig dns;
  TlsConfig tls;  ///< not changed by reload
};

}  // namespace ringtrace::sip
