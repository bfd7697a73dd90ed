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

/// Asks of one LeaseNumbers stream that may be under way: begun, and their answers not yet sent. At the limit
/// the stream is not read, so that the client's sending stops by HTTP/2's flow control; of the last message
/// that was read, what has no room yet waits.
inline constexpr std::size_t kMaxLeasesUnderWay = 1024;

/// Answers to one message of the client's, or several, that go out in one.
inline constexpr std::size_t kMaxResultsOfMessage = 256;

/// Serves one LeaseNumbers stream. It ends when the client has closed its side and all is answered, when the
/// gateway drains or a message is too long or none (what was read is answered first), or with the connection.
/// All must outlive the stream.
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* open_lease_stream(
    grpc::CallbackServerContext& context, LeaseCore& core, EventStreams& streams, Front& front);

}  // namespace ringtrace::rpc
