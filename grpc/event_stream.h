#pragma once

#include <ringtrace/v1/call_service.pb.h>

#include "grpc/call_event_log.h"
#include "grpc/event_streams.h"
#include "grpc/library_types.h"
#include "grpc/transport.h"
#include "pool/number_pools.h"

namespace ringtrace::rpc {

/// Serves one StreamCallEvents. All must outlive the stream.
grpc::ServerBidiReactor<v1::StreamCallEventsRequest, v1::StreamCallEventsResponse>* open_event_stream(
    grpc::CallbackServerContext& context, CallEventLog& log, const pool::NumberPools& pools,
    EventStreams& streams, Front& front);

}  // namespace ringtrace::rpc
