#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <ringtrace/v1/lease_service.grpc.pb.h>

#include <utility>

#include "grpc/front.h"
#include "grpc/lease_stream.h"

namespace ringtrace::rpc {
namespace {

/// All methods take their messages as bytes, so that what is too long is refused before it is read, and what
/// is no message with a reason; the library would say UNIMPLEMENTED, or nothing.
using Raw =
    v1::LeaseService::WithRawCallbackMethod_LeaseNumber<v1::LeaseService::WithRawCallbackMethod_RenewLease<
        v1::LeaseService::WithRawCallbackMethod_ReleaseLease<v1::LeaseService::WithRawCallbackMethod_GetLease<
            v1::LeaseService::WithRawCallbackMethod_LeaseNumbers<v1::LeaseService::Service>>>>>;

class LeaseService final : public Raw {
 public:
  LeaseService(LeaseCore& core, EventStreams& streams, Front& front)
      : core_(core), streams_(streams), front_(front) {}

  grpc::ServerUnaryReactor* LeaseNumber(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override {
    return run_unary<v1::LeaseNumberRequest, v1::LeaseNumberResponse>(
        front_, *context, Method::kLeaseNumber, *request, *response,
        [this](const auto& asked, auto& answer, auto done) {
          core_.lease_number(asked, answer, std::move(done));
        });
  }

  grpc::ServerUnaryReactor* RenewLease(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override {
    return run_unary<v1::RenewLeaseRequest, v1::RenewLeaseResponse>(
        front_, *context, Method::kRenewLease, *request, *response,
        [this](const auto& asked, auto& answer, auto done) {
          core_.renew_lease(asked, answer, std::move(done));
        });
  }

  grpc::ServerUnaryReactor* ReleaseLease(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override {
    return run_unary<v1::ReleaseLeaseRequest, v1::ReleaseLeaseResponse>(
        front_, *context, Method::kReleaseLease, *request, *response,
        [this](const auto& asked, auto& answer, auto done) {
          core_.release_lease(asked, answer, std::move(done));
        });
  }

  grpc::ServerUnaryReactor* GetLease(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override {
    return run_unary<v1::GetLeaseRequest, v1::GetLeaseResponse>(
        front_, *context, Method::kGetLease, *request, *response,
        [this](const auto& asked, auto& answer, auto done) {
          core_.get_lease(asked, answer, std::move(done));
        });
  }

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* LeaseNumbers(
      grpc::CallbackServerContext* context) override {
    return open_lease_stream(*context, core_, streams_, front_);
  }

 private:
  LeaseCore& core_;
  EventStreams& streams_;
  Front& front_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_lease_service(LeaseCore& core, EventStreams& streams, Front& front) {
  return std::make_unique<LeaseService>(core, streams, front);
}

}  // namespace ringtrace::rpc
