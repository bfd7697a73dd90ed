#pragma once

// The gRPC library's types that headers of this room name; its own headers stay in .cc files.
namespace grpc {
class ByteBuffer;
class CallbackServerContext;
class ServerBuilder;
class Service;
class ServerUnaryReactor;
class Status;
template <class Request, class Response>
class ServerBidiReactor;
template <class Response>
class ServerWriteReactor;
}  // namespace grpc
