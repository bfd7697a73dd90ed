#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <ringtrace/v1/lease_service.grpc.pb.h>

#include <utility>

#include "grpc/transport.h"

namespace ringtrace::rpc {
namespace {

/// Refuses a stream at once.
class RefusedLeases final
    : public grpc::ServerBidiReactor<v1::LeaseNumbersRequest, v1::LeaseNumbersResponse> {
 public:
  explicit RefusedLeases(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

class LeaseService final : public v1::LeaseService::CallbackService {
 public:
  LeaseService(LeaseCore& core, Statistics& statistics) : core_(core), statistics_(statistics) {}

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
      grpc::CallbackServerContext*) override {
    const grpc::Status status = to_status(not_implemented(to_string(Method::kLeaseNumbers)));
    statistics_.count(Method::kLeaseNumbers, static_cast<std::size_t>(status.error_code()));
    return new RefusedLeases(status);  // deletes itself when the library is done with it
  }

 private:
  LeaseCore& core_;
  Statistics& statistics_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_lease_service(LeaseCore& core, Statistics& statistics) {
  return std::make_unique<LeaseService>(core, statistics);
}

}  // namespace ringtrace::rpc
