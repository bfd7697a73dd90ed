#pragma once

#include "grpc/library_types.h"
#include "grpc/server.h"

namespace ringtrace::rpc {

/// What the library is told of limits, keepalive and the life of connections. Apart from the server, so that
/// what the services cost can be measured beside a server that has the same settings and nothing behind them.
void apply_settings(grpc::ServerBuilder& builder, const ServerConfig& config);

}  // namespace ringtrace::rpc
