#pragma once

#include "gateway/config_schema.h"

namespace ringtrace::gateway {

/// [grpc] of the configuration.
inline constexpr KeySpec kGrpcKeys[] = {
    {.key = "listen",
     .initial = "127.0.0.1:7080",
     .doc = "Where websites and event readers connect. Beyond loopback only with token_file or "
            "tls_client_ca."},
    {.key = "tls_certificate",
     .doc = "A PEM file with the gateway's certificate and those up to its CA; with tls_private_key. Files "
            "are relative to this file's directory."},
    {.key = "tls_private_key", .doc = "A PEM file with that certificate's key, without a passphrase."},
    {.key = "tls_client_ca",
     .doc = "A PEM file with the CAs of clients' certificates; then no client gets in without one."},
    {.key = "tls_check_interval",
     .kind = ValueKind::kDuration,
     .initial = "30s",
     .least = "100ms",
     .most = "1d",
     .doc = "How often these files are looked at for a change; SIGHUP does so at once. Files that do not fit "
            "together are not taken over."},
    {.key = "token_file",
     .doc = "A TOML file of [[token]] tables; then every request needs a token. SIGHUP reads it again."},
    {.key = "max_message_bytes",
     .kind = ValueKind::kInteger,
     .initial = "262144",
     .least = "4096",
     .most = "16777216",
     .doc = "The longest request; beyond it MESSAGE_TOO_LARGE."},
    {.key = "max_buffered_bytes",
     .kind = ValueKind::kInteger,
     .initial = "268435456",
     .least = "16777216",
     .most = "68719476736",
     .doc = "Bytes of requests that have not come in whole, over all connections; beyond it connections are "
            "slowed down and closed."},
    {.key = "max_streams_per_connection",
     .kind = ValueKind::kInteger,
     .initial = "1024",
     .least = "1",
     .most = "65536",
     .doc = "Requests and streams under way on one connection; more wait in the client."},
    {.key = "max_event_streams",
     .kind = ValueKind::kInteger,
     .initial = "256",
     .least = "1",
     .most = "65536",
     .doc = "Streams (of events, leases, pools) open at one time; more get TOO_MANY_STREAMS."},
    {.key = "max_requests_per_client",
     .kind = ValueKind::kInteger,
     .initial = "1024",
     .least = "1",
     .most = "1000000",
     .doc = "Requests one client has under way; more get TOO_MANY_REQUESTS. A client is a token, or an "
            "address where there are no tokens."},
    {.key = "max_streams_per_client",
     .kind = ValueKind::kInteger,
     .initial = "64",
     .least = "1",
     .most = "65536",
     .doc = "Streams one client has open; more get TOO_MANY_STREAMS."},
    {.key = "keepalive_interval",
     .kind = ValueKind::kDuration,
     .initial = "30s",
     .least = "1s",
     .most = "1h",
     .doc = "How often a silent connection is asked for a sign of life, so that NAT on the way does not "
            "forget it. Clients may ask every 10 s."},
    {.key = "max_connection_age",
     .kind = ValueKind::kDuration,
     .initial = "0s",
     .least = "0s",
     .most = "7d",
     .doc = "After about this long a connection is closed, so that clients spread anew over gateways; 0s: "
            "never. Streams go on 30 s, then end with UNAVAILABLE."},
    {.key = "drain_delay",
     .kind = ValueKind::kDuration,
     .initial = "0s",
     .least = "0s",
     .most = "10m",
     .doc =
         "How long a gateway that is told to end goes on serving while its health checks say NOT_SERVING, so "
         "that load balancers send clients elsewhere first."},
};

/// [[token]] of the file that [grpc] token_file names.
inline constexpr KeySpec kTokenKeys[] = {
    {.key = "name",
     .required = true,
     .doc = "What errors and logs call the token; a-z, 0-9 and dash. A client, as far as limits go."},
    {.key = "sha256", .required = true, .doc = "The token's SHA-256, 64 hexadecimal digits."},
    {.key = "scopes",
     .kind = ValueKind::kTexts,
     .required = true,
     .doc = "What it may do: \"lease\" (lend, renew, release), \"read\" (calls, pools, resolutions), "
            "\"admin\" (add and drain numbers, erase callers)."},
    {.key = "pools", .kind = ValueKind::kTexts, .doc = "The pools it is for; all when not given."},
    {.key = "expire_time", .doc = "Refused from then on, such as \"2027-01-31T00:00:00Z\"."},
};

}  // namespace ringtrace::gateway
