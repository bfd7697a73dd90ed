#pragma once

#include <ringtrace/v1/call_service.pb.h>

#include "grpc/event_streams.h"
#include "grpc/library_types.h"
#include "grpc/subscriptions.h"
#include "grpc/transport.h"

namespace ringtrace::rpc {

/// Serves one StreamCallEvents. All must outlive the stream.
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* open_event_stream(
    grpc::CallbackServerContext& context, Subscriptions& subscriptions, EventStreams& streams, Front& front);

}  // namespace ringtrace::rpc
