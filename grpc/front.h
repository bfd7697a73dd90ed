#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <utility>
#include <variant>

#include "grpc/access_rules.h"
#include "grpc/transport.h"

/// What stands before every method. Included by the services' .cc files only: it brings gRPC with it.
namespace ringtrace::rpc {

/// The ticket of a request or stream, or why it is not let in.
std::variant<Ticket, Error> admit(Front& front, const grpc::CallbackServerContext& context, Method method);

/// Reads a request; it is looked at only when it is not longer than the gateway takes.
Outcome parse(const Front& front, const grpc::ByteBuffer& bytes, google::protobuf::Message& message);

/// The same of a message of a stream, which the library has read already.
Outcome check_size(const Front& front, const google::protobuf::Message& message);

/// Counts how a request or stream ended; gives the status to end it with.
grpc::Status count_end(Front& front, Method method, const Outcome& outcome);

/// Ends a unary method and counts how it ended.
void finish(Front& front, Method method, grpc::ServerUnaryReactor& reactor, const Outcome& outcome);

/// One unary request under way.
template <typename Request, typename Response>
struct UnaryCall {
  UnaryCall(Ticket&& given, grpc::ByteBuffer& reply) : ticket(std::move(given)), bytes(reply) {}

  Ticket ticket;
  grpc::ByteBuffer& bytes;  // the library's, until the method is finished
  Request request;
  Response response;
};

/// Runs a unary method: refuses it when its deadline has passed, when the client may not call it, or when the
/// request is none; else starts `work(request, response, done)`, which calls `done(outcome)` exactly once,
/// from any thread. Request and response live until then.
template <typename Request, typename Response, typename Work>
grpc::ServerUnaryReactor* run_unary(Front& front, grpc::CallbackServerContext& context, Method method,
                                    const grpc::ByteBuffer& request, grpc::ByteBuffer& response,
                                    const Work& work) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  auto admitted = admit(front, context, method);
  if (const Error* refused = std::get_if<Error>(&admitted)) {
    finish(front, method, *reactor, *refused);
    return reactor;
  }
  const auto call =
      std::make_shared<UnaryCall<Request, Response>>(std::get<Ticket>(std::move(admitted)), response);
  Outcome refused = parse(front, request, call->request);
  if (!refused) refused = restrict_request(call->ticket, call->request);
  if (refused) {
    finish(front, method, *reactor, refused);
    return reactor;
  }
  work(call->request, call->response, [&front, method, reactor, call](Outcome outcome) {
    if (!outcome) outcome = restrict_answer(call->ticket, call->response);
    if (!outcome) {
      bool own_buffer = false;
      grpc::SerializationTraits<Response>::Serialize(call->response, &call->bytes, &own_buffer);
    }
    finish(front, method, *reactor, outcome);
  });
  return reactor;
}

}  // namespace ringtrace::rpc
