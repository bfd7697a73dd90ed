#include "gateway/grpc_part.h"

#include <algorithm>
#include <utility>

#include "gateway/config_grpc.h"

namespace ringtrace::gateway {
namespace {

rpc::ServerConfig server_config(const GrpcConfig& config) {
  rpc::ServerConfig server;
  server.address = config.listen.to_string();
  server.max_message_bytes = config.max_message_bytes;
  server.max_buffered_bytes = config.max_buffered_bytes;
  server.max_concurrent_streams = static_cast<int>(config.max_streams_per_connection);
  server.max_event_streams = config.max_event_streams;
  server.client_limits = {config.max_requests_per_client, config.max_streams_per_client};
  server.keepalive_interval = config.keepalive_interval;
  server.max_connection_age = config.max_connection_age;
  server.tls = config.tls;
  server.tokens = config.tokens;
  return server;
}

}  // namespace

GrpcPart::GrpcPart(const GrpcConfig& config, const rpc::Backends& backends, Log& log)
    : config_(config), log_(log), server_(server_config(config), backends), stamps_(stamps()) {}

std::optional<std::string> GrpcPart::start() {
  if (auto problem = server_.start()) return problem;
  tell_how_open();
  if (config_.tls) take_over(*config_.tls);
  return std::nullopt;
}

void GrpcPart::tell_how_open() const {
  const std::string address = config_.listen.to_string();
  if (!config_.tokens && (!config_.tls || config_.tls->client_ca.empty())) {
    log_.warning("gRPC asks for no credentials: only this machine is let in, and everyone on it",
                 {{"address", address}});
  } else if (!config_.tls && !config_.listen.is_loopback()) {
    log_.warning("gRPC listens beyond loopback without TLS: tokens can be read on the way",
                 {{"address", address}});
  }
}

void GrpcPart::reload(const GrpcConfig& fresh) {
  if (fresh.tokens != config_.tokens) {
    server_.replace_tokens(fresh.tokens);
    config_.tokens = fresh.tokens;
    log_.info("tokens taken over", {{"tokens", fresh.tokens ? fresh.tokens->size() : 0}});
  }
  // Other files, or TLS where there was none, need a restart.
  if (fresh.tls && config_.tls_files == fresh.tls_files && fresh.tls != config_.tls) {
    stamps_ = stamps();
    take_over(*fresh.tls);
  }
}

void GrpcPart::check_certificate() {
  if (!config_.tls_files) return;
  Stamps now = stamps();
  if (now == stamps_) return;
  stamps_ = std::move(now);
  auto read = read_tls(*config_.tls_files);
  if (const auto* problem = std::get_if<std::string>(&read)) {
    log_.error("certificate not taken over: the one in use stays", {{"mistake", *problem}});
    return;
  }
  if (std::get<rpc::TlsIdentity>(read) != *config_.tls)
    take_over(std::get<rpc::TlsIdentity>(std::move(read)));
}

void GrpcPart::take_over(rpc::TlsIdentity identity) {
  const auto now = std::chrono::floor<pool::Duration>(std::chrono::system_clock::now());
  const auto checked = rpc::check_tls(identity, now);
  if (const auto* facts = std::get_if<rpc::TlsFacts>(&checked)) {
    expiry_ = facts->expire_time;
    const auto left = std::chrono::duration_cast<std::chrono::hours>(facts->expire_time - now);
    log_.info("certificate in use", {{"hours_left", left.count()}});
  }
  server_.replace_tls(identity);
  config_.tls = std::move(identity);
}

std::optional<pool::Time> GrpcPart::certificate_expiry() const {
  const pool::Time expiry = expiry_;
  if (expiry == pool::kNever) return std::nullopt;
  return expiry;
}

GrpcPart::Stamps GrpcPart::stamps() const {
  Stamps result;
  if (!config_.tls_files) return result;
  for (const std::string* path :
       {&config_.tls_files->certificate, &config_.tls_files->private_key, &config_.tls_files->client_ca}) {
    std::error_code absent;
    result.push_back(std::filesystem::last_write_time(*path, absent));
  }
  return result;
}

}  // namespace ringtrace::gateway
