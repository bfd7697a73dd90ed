#include "grpc/transport.h"

#include <google/protobuf/util/time_util.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <string>
#include <utility>

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

grpc::ServerUnaryReactor* run_unary(grpc::CallbackServerContext& context, Statistics& statistics,
                                    Method method, const UnaryWork& work) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  const auto finish = [reactor, &statistics, method](const Outcome& outcome) {
    const grpc::Status status = outcome ? to_status(*outcome) : grpc::Status::OK;
    statistics.count(method, static_cast<std::size_t>(status.error_code()));
    reactor->Finish(status);
  };
  if (context.deadline() < std::chrono::system_clock::now()) {
    finish(deadline_passed());
  } else {
    work(finish);
  }
  return reactor;
}

}  // namespace ringtrace::rpc
