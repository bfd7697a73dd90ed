#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/config.h"
#include "gateway/log.h"
#include "grpc/server.h"

namespace ringtrace::gateway {

/// The gateway's part that is the services: their server, made by the configuration, and what of it changes
/// while it serves. For the main thread, but for `statistics`.
class GrpcPart {
 public:
  GrpcPart(const GrpcConfig& config, const rpc::Backends& backends, Log& log);

  /// Listens and serves; says in the log how far it can be reached and by whom. On failure: why.
  std::optional<std::string> start();

  int bound_port() const { return server_.bound_port(); }

  /// Takes over tokens and certificates of a configuration that has been read again.
  void reload(const GrpcConfig& fresh);

  /// How long to wait until the next look at the certificate's files.
  std::chrono::milliseconds check_interval() const { return config_.tls_check_interval; }

  /// Takes over a certificate whose files have changed; one that may not be used is told once and not taken.
  void check_certificate();

  /// Lets health checks send clients elsewhere, and says how long to go on serving until then.
  std::chrono::milliseconds announce_end() {
    server_.announce_end();
    return config_.drain_delay;
  }

  void stop(std::chrono::milliseconds deadline) { server_.stop(deadline); }

  rpc::StatisticsSnapshot statistics() const { return server_.statistics(); }

  /// When clients begin to refuse the certificate; none without TLS.
  std::optional<pool::Time> certificate_expiry() const;

 private:
  using Stamps = std::vector<std::filesystem::file_time_type>;

  Stamps stamps() const;
  void take_over(rpc::TlsIdentity identity);
  void tell_how_open() const;

  GrpcConfig config_;
  Log& log_;
  rpc::Server server_;
  Stamps stamps_;
  std::atomic<pool::Time> expiry_{pool::kNever};
};

}  // namespace ringtrace::gateway
