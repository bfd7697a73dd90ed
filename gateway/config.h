#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/config_mistakes.h"
#include "gateway/config_values.h"
#include "grpc/tls_identity.h"
#include "grpc/token_table.h"
#include "pool/config.h"
#include "pool/time.h"
#include "sip/dialed_source.h"
#include "sip/endpoint.h"

namespace ringtrace::gateway {

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarning, kError };

struct LogConfig {
  LogLevel level = LogLevel::kInfo;
  std::string file;  ///< empty: standard error
  std::size_t queue = 0;

  bool operator==(const LogConfig&) const = default;
};

/// Files of [grpc], and what they held when the configuration was read.
struct TlsFiles {
  std::string certificate;
  std::string private_key;
  std::string client_ca;  ///< empty: clients need no certificate

  bool operator==(const TlsFiles&) const = default;
};

struct GrpcConfig {
  Endpoint listen;
  std::optional<TlsFiles> tls_files;
  std::optional<rpc::TlsIdentity> tls;
  pool::Duration tls_check_interval{};
  std::optional<std::vector<rpc::TokenGrant>> tokens;
  std::size_t max_message_bytes = 0;
  std::size_t max_buffered_bytes = 0;
  std::size_t max_streams_per_connection = 0;
  std::size_t max_event_streams = 0;
  std::size_t max_requests_per_client = 0;
  std::size_t max_streams_per_client = 0;
  pool::Duration keepalive_interval{};
  pool::Duration max_connection_age{};
  pool::Duration drain_delay{};

  /// All but what is taken over without a restart: tokens, and what the files of TLS hold.
  bool same_but_for_secrets(const GrpcConfig& other) const;

  bool operator==(const GrpcConfig&) const = default;
};

struct HttpConfig {
  Endpoint listen;
  std::size_t max_connections = 0;
  pool::Duration idle_timeout{};
  std::size_t max_header_bytes = 0;

  bool operator==(const HttpConfig&) const = default;
};

struct RedisConfig {
  std::string url;  ///< as written, without secrets
  RedisAddress address;
  std::vector<RedisAddress> nodes;  ///< sentinels, or more nodes of a cluster
  std::string ca_file, certificate_file, key_file;
  std::string user;
  std::string password;
  std::string sentinel_password;
  pool::Duration connect_timeout{};
  pool::Duration command_timeout{};
  std::size_t max_queue = 0;
  int wait_replicas = 0;
  pool::Duration claim{};
  pool::Duration holder_retention{};

  bool operator==(const RedisConfig&) const = default;
};

struct SipConfig {
  std::vector<SipEndpoint> listen;
  std::string default_line_group;
  std::string advertise;    ///< an address; empty: the one listened on
  std::string signing_key;  ///< empty: kept in the state directory
  pool::Duration no_provisional_timeout{};
  pool::Duration ring_timeout{};
  pool::Duration max_call_age{};
  std::size_t max_calls = 0;
  std::size_t max_calls_per_second_of_source = 0;  ///< 0: no limit
  std::size_t max_calls_per_second_of_number = 0;  ///< 0: no limit
  pool::Duration max_queueing_delay{};
  std::size_t max_connections = 0;
  pool::Duration idle_connection_timeout{};
  pool::Duration session_expires{};
  std::vector<std::pair<std::string, std::string>> headers;  ///< name and template
  pool::Duration health_interval{};
  pool::Duration health_timeout{};
  unsigned health_down_after = 0;
  unsigned health_up_after = 0;
  std::vector<std::string> dns_servers;
  pool::Duration dns_longest{};
  std::string tls_certificate;  ///< paths
  std::string tls_key;
  std::string tls_authorities;
  bool tls_verify_lines = true;
  bool tls_verify_trunks = false;

  bool operator==(const SipConfig&) const = default;
};

struct RegistrationConfig {
  std::vector<sip::Target> registrars;
  std::string account;
  std::string domain;
  std::string auth_user;
  std::string password;
  pool::Duration expires{};
  bool operator==(const RegistrationConfig&) const = default;
};

struct TrunkConfig {
  std::string name;
  std::vector<std::string> addresses;  ///< addresses and blocks
  std::vector<sip::Transport> transports;
  std::vector<sip::DialedSource> dialed_from;
  std::string international_prefix;
  std::string national_prefix;
  std::string country_code;
  std::string region;
  std::vector<std::pair<std::string, std::string>> rewrites;  ///< pattern and replacement
  std::optional<SipEndpoint> emergency_line;
  bool emergency_line_trusted = true;
  bool trusted = true;
  std::optional<RegistrationConfig> registration;
  bool operator==(const TrunkConfig&) const = default;
};

struct LineConfig {
  std::string name;
  sip::Target address;
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  bool trusted = true;
  bool operator==(const LineConfig&) const = default;
};

struct LineGroupConfig {
  std::string name;
  std::vector<LineConfig> lines;
  pool::Duration ring_timeout{};  ///< 0: that of [sip]
  bool next_after_ring_timeout = false;
  bool operator==(const LineGroupConfig&) const = default;
};

struct EventsConfig {
  pool::Duration retention{};
  std::size_t max_length = 0;
  std::size_t memory_length = 0;
  std::uint64_t spool_bytes = 0;
  pool::Duration caller_retention{};
  pool::Duration attributes_retention{};
  std::string caller_key;  ///< empty: kept in the state directory

  bool operator==(const EventsConfig&) const = default;
};

/// The whole configuration, checked. What each key means stands in config_schema.cc.
struct Config {
  std::string name;
  std::string state_directory;  ///< empty: none
  LogConfig log;
  GrpcConfig grpc;
  HttpConfig http;
  std::optional<RedisConfig> redis;
  SipConfig sip;
  std::vector<TrunkConfig> trunks;
  std::vector<LineGroupConfig> line_groups;
  pool::PoolsConfig pools;
  std::vector<std::string> pool_line_groups;  ///< of each pool, in order; empty: the default
  EventsConfig events;

  /// Numbers of all pools, static ones included.
  std::size_t number_count() const;
};

/// Numbers of all pools together, at most.
inline constexpr std::size_t kMaxNumbers = 10'000'000;

/// Reads and checks a configuration file, and the files it names. The configuration, or every mistake in it.
std::variant<Config, Mistakes> load_config(const std::string& path);

/// The same of a text; `name` is the file's name in mistakes, and files it names are relative to its
/// directory.
std::variant<Config, Mistakes> parse_config(std::string_view text, const std::string& name);

}  // namespace ringtrace::gateway
