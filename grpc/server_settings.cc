#include "grpc/server_settings.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include <chrono>

namespace ringtrace::rpc {
namespace {

int milliseconds_of(std::chrono::milliseconds duration) { return static_cast<int>(duration.count()); }

}  // namespace

void apply_settings(grpc::ServerBuilder& builder, const ServerConfig& config) {
  // By default the library shares its port with whoever else asks for it: half of the requests would go
  // there.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, config.max_concurrent_streams);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds_of(config.keepalive_interval));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds_of(config.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             milliseconds_of(config.min_client_ping_interval));
  if (config.max_connection_age.count() > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, milliseconds_of(config.max_connection_age));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                               milliseconds_of(config.connection_grace));
  }
  builder.SetMaxReceiveMessageSize(kReadableBytes);
  builder.SetResourceQuota(grpc::ResourceQuota("ringtrace").Resize(config.max_buffered_bytes));
}

}  // namespace ringtrace::rpc
