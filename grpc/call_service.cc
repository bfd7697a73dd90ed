#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <ringtrace/v1/call_service.grpc.pb.h>

#include <memory>
#include <utility>

#include "grpc/event_stream.h"
#include "grpc/transport.h"

namespace ringtrace::rpc {
namespace {

class CallService final : public v1::CallService::CallbackService {
 public:
  CallService(CallCore& core, Subscriptions& subscriptions, EventStreams& streams, Statistics& statistics)
      : core_(core), subscriptions_(subscriptions), streams_(streams), statistics_(statistics) {}

  grpc::ServerBidiReactor<v1::StreamCallEventsRequest, v1::StreamCallEventsResponse>* StreamCallEvents(
      grpc::CallbackServerContext* context) override {
    return open_event_stream(*context, subscriptions_, streams_, statistics_);
  }

  grpc::ServerUnaryReactor* ListCalls(grpc::CallbackServerContext* context,
                                      const v1::ListCallsRequest* request,
                                      v1::ListCallsResponse* response) override {
    return run_unary(*context, statistics_, Method::kListCalls,
                     [&](auto done) { core_.list_calls(*request, *response, std::move(done)); });
  }

  grpc::ServerUnaryReactor* GetCall(grpc::CallbackServerContext* context, const v1::GetCallRequest* request,
                                    v1::GetCallResponse* response) override {
    return run_unary(*context, statistics_, Method::kGetCall,
                     [&](auto done) { core_.get_call(*request, *response, std::move(done)); });
  }

 private:
  CallCore& core_;
  Subscriptions& subscriptions_;
  EventStreams& streams_;
  Statistics& statistics_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_call_service(CallCore& core, Subscriptions& subscriptions,
                                                 EventStreams& streams, Statistics& statistics) {
  return std::make_unique<CallService>(core, subscriptions, streams, statistics);
}

}  // namespace ringtrace::rpc
