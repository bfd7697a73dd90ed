#include "grpc/transport.h"

#include <google/protobuf/util/time_util.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <chrono>
#include <string>
#include <utility>

#include "grpc/front.h"
#include "grpc/validation.h"

namespace ringtrace::rpc {

grpc::Status to_status(const Error& error) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(to_string(error.reason)));
  info.set_domain("ringtrace");
  for (const auto& [key, value] : error.metadata) (*info.mutable_metadata())[key] = value;

  const auto code = static_cast<int>(code_of(error.reason));
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(error.message);
  status.add_details()->PackFrom(info);
  if (error.retry_after) {
    google::rpc::RetryInfo retry;
    *retry.mutable_retry_delay() =
        google::protobuf::util::TimeUtil::MillisecondsToDuration(error.retry_after->count());
    status.add_details()->PackFrom(retry);
  }
  return {static_cast<grpc::StatusCode>(code), error.message, status.SerializeAsString()};
}

std::variant<Ticket, Error> admit(Front& front, const grpc::CallbackServerContext& context, Method method) {
  if (context.deadline() < std::chrono::system_clock::now()) return deadline_passed();
  std::optional<std::string_view> authorization;
  if (front.access.asks_for_tokens()) {
    const auto& metadata = context.client_metadata();
    if (const auto found = metadata.find("authorization"); found != metadata.end()) {
      authorization = std::string_view(found->second.data(), found->second.size());
    }
  }
  return front.access.admit(method, authorization, context.peer());
}

Outcome read_message(const Front& front, const grpc::ByteBuffer& bytes, google::protobuf::Message& message) {
  if (bytes.Length() > front.max_message_bytes) {
    return message_too_large(bytes.Length(), front.max_message_bytes);
  }
  grpc::ByteBuffer shared = bytes;  // the reader takes what it reads
  grpc::ProtoBufferReader reader(&shared);
  if (!reader.status().ok() || !message.ParseFromZeroCopyStream(&reader)) return message_malformed();
  return std::nullopt;
}

void write_message(const google::protobuf::Message& message, grpc::ByteBuffer& bytes) {
  bool own_buffer = false;
  bytes.Clear();  // the library writes into an empty one only
  grpc::SerializationTraits<google::protobuf::Message>::Serialize(message, &bytes, &own_buffer);
}

Error of_request(Error error, std::string_view request_id) {
  if (!request_id.empty() && !check_request_id(request_id)) error.metadata["request_id"] = request_id;
  return error;
}

grpc::Status count_end(Front& front, Method method, const Outcome& outcome) {
  const grpc::Status status = outcome ? to_status(*outcome) : grpc::Status::OK;
  front.statistics.count(method, static_cast<std::size_t>(status.error_code()));
  if (outcome) front.statistics.count_error(outcome->reason);
  return status;
}

grpc::ServerUnaryReactor* run_call(Front& front, grpc::CallbackServerContext& context, Method method,
                                   const grpc::ByteBuffer& request, grpc::ByteBuffer& response,
                                   std::shared_ptr<UnaryCall> call) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  const auto finish = [&front, method, reactor](const Outcome& outcome) {
    reactor->Finish(count_end(front, method, outcome));
  };
  auto admitted = admit(front, context, method);
  if (const Error* refused = std::get_if<Error>(&admitted)) {
    finish(*refused);
    return reactor;
  }
  call->ticket = std::get<Ticket>(std::move(admitted));
  Outcome refused = read_message(front, request, call->request());
  if (!refused) refused = call->restrict_request(*call->ticket);
  if (refused) {
    finish(of_request(*std::move(refused), call->request_id()));
    return reactor;
  }
  UnaryCall& started = *call;
  // The library keeps the buffer of the response until the method is finished.
  started.start([finish, call = std::move(call), &response](Outcome outcome) {
    if (!outcome) outcome = call->restrict_answer(*call->ticket);
    if (!outcome) write_message(call->response(), response);
    if (outcome) outcome = of_request(*std::move(outcome), call->request_id());
    finish(outcome);
  });
  return reactor;
}

}  // namespace ringtrace::rpc
