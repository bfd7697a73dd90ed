#pragma once

#include <ringtrace/v1/call_service.pb.h>

#include "grpc/event_streams.h"
#include "grpc/statistics.h"
#include "grpc/subscriptions.h"

namespace grpc {
class CallbackServerContext;
template <class Request, class Response>
class ServerBidiReactor;
}  // namespace grpc

namespace ringtrace::rpc {

/// Serves one StreamCallEvents. All must outlive the stream.
grpc::ServerBidiReactor<v1::StreamCallEventsRequest, v1::StreamCallEventsResponse>* open_event_stream(
    grpc::CallbackServerContext& context, Subscriptions& subscriptions, EventStreams& streams,
    Statistics& statistics);

}  // namespace ringtrace::rpc
