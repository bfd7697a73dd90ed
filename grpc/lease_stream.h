#pragma once

#include <ringtrace/v1/lease_service.pb.h>

#include <cstddef>

#include "grpc/event_streams.h"
#include "grpc/lease_core.h"
#include "grpc/library_types.h"
#include "grpc/transport.h"

namespace grpc {
class CallbackServerContext;
template <class Request, class Response>
class ServerBidiReactor;
}  // namespace grpc

namespace ringtrace::rpc {

/// Requests of one LeaseNumbers stream that may be under way: read, and their answers not yet sent. At the
/// limit the stream is not read, so that the client's sending stops by HTTP/2's flow control.
inline constexpr std::size_t kMaxLeasesUnderWay = 1024;

/// Serves one LeaseNumbers stream. It ends when the client has closed its side and all is answered, when the
/// gateway drains (what was read is answered first), or with the connection. All must outlive the stream.
grpc::ServerBidiReactor<v1::LeaseNumbersRequest, v1::LeaseNumbersResponse>* open_lease_stream(
    grpc::CallbackServerContext& context, LeaseCore& core, EventStreams& streams, Front& front);

}  // namespace ringtrace::rpc
