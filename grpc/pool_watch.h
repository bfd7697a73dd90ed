#pragma once

#include <ringtrace/v1/pool_service.pb.h>

#include <chrono>

#include "grpc/event_streams.h"
#include "grpc/library_types.h"
#include "grpc/pool_core.h"
#include "grpc/transport.h"

namespace grpc {
template <class Response>
class ServerWriteReactor;
}  // namespace grpc

namespace ringtrace::rpc {

/// Serves one WatchPools: every pool as it stands, then, each `interval`, those that have changed. A reader
/// that is slow delays the next look and so gets fewer states, never an old one. All must outlive the stream.
grpc::ServerWriteReactor<grpc::ByteBuffer>* open_pool_watch(grpc::CallbackServerContext& context,
                                                            const grpc::ByteBuffer& request,
                                                            const PoolCore& core, EventStreams& streams,
                                                            Front& front, std::chrono::milliseconds interval);

}  // namespace ringtrace::rpc
