#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <ringtrace/v1/lease_service.grpc.pb.h>

#include <utility>

#include "grpc/lease_stream.h"
#include "grpc/transport.h"

namespace ringtrace::rpc {
namespace {

class LeaseService final : public v1::LeaseService::CallbackService {
 public:
  LeaseService(LeaseCore& core, EventStreams& streams, Statistics& statistics)
      : core_(core), streams_(streams), statistics_(statistics) {}

  grpc::ServerUnaryReactor* LeaseNumber(grpc::CallbackServerContext* context,
                                        const v1::LeaseNumberRequest* request,
                                        v1::LeaseNumberResponse* response) override {
    return run_unary(*context, statistics_, Method::kLeaseNumber,
                     [&](auto done) { core_.lease_number(*request, *response, std::move(done)); });
  }

  grpc::ServerUnaryReactor* RenewLease(grpc::CallbackServerContext* context,
                                       const v1::RenewLeaseRequest* request,
                                       v1::RenewLeaseResponse* response) override {
    return run_unary(*context, statistics_, Method::kRenewLease,
                     [&](auto done) { core_.renew_lease(*request, *response, std::move(done)); });
  }

  grpc::ServerUnaryReactor* ReleaseLease(grpc::CallbackServerContext* context,
                                         const v1::ReleaseLeaseRequest* request,
                                         v1::ReleaseLeaseResponse* response) override {
    return run_unary(*context, statistics_, Method::kReleaseLease,
                     [&](auto done) { core_.release_lease(*request, *response, std::move(done)); });
  }

  grpc::ServerUnaryReactor* GetLease(grpc::CallbackServerContext* context, const v1::GetLeaseRequest* request,
                                     v1::GetLeaseResponse* response) override {
    return run_unary(*context, statistics_, Method::kGetLease,
                     [&](auto done) { core_.get_lease(*request, *response, std::move(done)); });
  }

  grpc::ServerBidiReactor<v1::LeaseNumbersRequest, v1::LeaseNumbersResponse>* LeaseNumbers(
      grpc::CallbackServerContext* context) override {
    return open_lease_stream(*context, core_, streams_, statistics_);
  }

 private:
  LeaseCore& core_;
  EventStreams& streams_;
  Statistics& statistics_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_lease_service(LeaseCore& core, EventStreams& streams,
                                                  Statistics& statistics) {
  return std::make_unique<LeaseService>(core, streams, statistics);
}

}  // namespace ringtrace::rpc
