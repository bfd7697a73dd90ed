#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <ringtrace/v1/call_service.grpc.pb.h>

#include <memory>
#include <utility>

#include "grpc/event_stream.h"
#include "grpc/front.h"

namespace ringtrace::rpc {
namespace {

/// All methods take their messages as bytes, so that what is too long is refused before it is read, and what
/// is no message with a reason; the library would say UNIMPLEMENTED, or nothing.
using Raw = v1::CallService::WithRawCallbackMethod_ListCalls<
    v1::CallService::WithRawCallbackMethod_GetCall<v1::CallService::WithRawCallbackMethod_EraseCaller<
        v1::CallService::WithRawCallbackMethod_StreamCallEvents<v1::CallService::Service>>>>;

class CallService final : public Raw {
 public:
  CallService(CallCore& core, Subscriptions& subscriptions, EventStreams& streams, Front& front)
      : core_(core), subscriptions_(subscriptions), streams_(streams), front_(front) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StreamCallEvents(
      grpc::CallbackServerContext* context) override {
    return open_event_stream(*context, subscriptions_, streams_, front_);
  }

  grpc::ServerUnaryReactor* ListCalls(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override {
    return run_unary<v1::ListCallsRequest, v1::ListCallsResponse>(
        front_, *context, Method::kListCalls, *request, *response,
        [this](const auto& asked, auto& answer, auto done) {
          core_.list_calls(asked, answer, std::move(done));
        });
  }

  grpc::ServerUnaryReactor* GetCall(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override {
    return run_unary<v1::GetCallRequest, v1::GetCallResponse>(
        front_, *context, Method::kGetCall, *request, *response,
        [this](const auto& asked, auto& answer, auto done) {
          core_.get_call(asked, answer, std::move(done));
        });
  }

  grpc::ServerUnaryReactor* EraseCaller(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override {
    return run_unary<v1::EraseCallerRequest, v1::EraseCallerResponse>(
        front_, *context, Method::kEraseCaller, *request, *response,
        [this](const auto& asked, auto& answer, auto done) {
          core_.erase_caller(asked, answer, std::move(done));
        });
  }

 private:
  CallCore& core_;
  Subscriptions& subscriptions_;
  EventStreams& streams_;
  Front& front_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_call_service(CallCore& core, Subscriptions& subscriptions,
                                                 EventStreams& streams, Front& front) {
  return std::make_unique<CallService>(core, subscriptions, streams, front);
}

}  // namespace ringtrace::rpc
