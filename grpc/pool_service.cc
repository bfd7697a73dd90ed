#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <ringtrace/v1/pool_service.grpc.pb.h>

#include "grpc/transport.h"

namespace ringtrace::rpc {
namespace {

/// Refuses a stream at once.
class RefusedWatch final : public grpc::ServerWriteReactor<v1::WatchPoolsResponse> {
 public:
  explicit RefusedWatch(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

class PoolService final : public v1::PoolService::CallbackService {
 public:
  PoolService(const PoolCore& core, Statistics& statistics) : core_(core), statistics_(statistics) {}

  grpc::ServerUnaryReactor* ListPools(grpc::CallbackServerContext* context,
                                      const v1::ListPoolsRequest* request,
                                      v1::ListPoolsResponse* response) override {
    return run_unary(*context, statistics_, Method::kListPools,
                     [&](const auto& done) { done(core_.list_pools(*request, *response)); });
  }

  grpc::ServerUnaryReactor* GetPool(grpc::CallbackServerContext* context, const v1::GetPoolRequest* request,
                                    v1::GetPoolResponse* response) override {
    return run_unary(*context, statistics_, Method::kGetPool,
                     [&](const auto& done) { done(core_.get_pool(*request, *response)); });
  }

  grpc::ServerUnaryReactor* ResolveNumber(grpc::CallbackServerContext* context,
                                          const v1::ResolveNumberRequest* request,
                                          v1::ResolveNumberResponse* response) override {
    return run_unary(*context, statistics_, Method::kResolveNumber,
                     [&](const auto& done) { done(core_.resolve_number(*request, *response)); });
  }

  grpc::ServerUnaryReactor* PlanCapacity(grpc::CallbackServerContext* context,
                                         const v1::PlanCapacityRequest* request,
                                         v1::PlanCapacityResponse* response) override {
    return run_unary(*context, statistics_, Method::kPlanCapacity,
                     [&](const auto& done) { done(PoolCore::plan_capacity(*request, *response)); });
  }

  grpc::ServerUnaryReactor* AddNumbers(grpc::CallbackServerContext* context, const v1::AddNumbersRequest*,
                                       v1::AddNumbersResponse*) override {
    return refuse(*context, Method::kAddNumbers);
  }

  grpc::ServerUnaryReactor* DrainNumbers(grpc::CallbackServerContext* context, const v1::DrainNumbersRequest*,
                                         v1::DrainNumbersResponse*) override {
    return refuse(*context, Method::kDrainNumbers);
  }

  grpc::ServerWriteReactor<v1::WatchPoolsResponse>* WatchPools(grpc::CallbackServerContext*,
                                                               const v1::WatchPoolsRequest*) override {
    const grpc::Status status = to_status(not_implemented(to_string(Method::kWatchPools)));
    statistics_.count(Method::kWatchPools, static_cast<std::size_t>(status.error_code()));
    return new RefusedWatch(status);  // deletes itself when the library is done with it
  }

 private:
  grpc::ServerUnaryReactor* refuse(grpc::CallbackServerContext& context, Method method) {
    return run_unary(context, statistics_, method,
                     [&](const auto& done) { done(not_implemented(to_string(method))); });
  }

  const PoolCore& core_;
  Statistics& statistics_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_pool_service(const PoolCore& core, Statistics& statistics) {
  return std::make_unique<PoolService>(core, statistics);
}

}  // namespace ringtrace::rpc
