#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <ringtrace/v1/pool_service.grpc.pb.h>

#include <chrono>
#include <utility>

#include "grpc/pool_watch.h"
#include "grpc/transport.h"

namespace ringtrace::rpc {
namespace {

class PoolService final : public v1::PoolService::CallbackService {
 public:
  PoolService(const PoolCore& core, NumberCore& numbers, EventStreams& streams, Statistics& statistics,
              std::chrono::milliseconds watch_interval)
      : core_(core),
        numbers_(numbers),
        streams_(streams),
        statistics_(statistics),
        watch_interval_(watch_interval) {}

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

  grpc::ServerUnaryReactor* AddNumbers(grpc::CallbackServerContext* context,
                                       const v1::AddNumbersRequest* request,
                                       v1::AddNumbersResponse* response) override {
    return run_unary(*context, statistics_, Method::kAddNumbers,
                     [&](auto done) { numbers_.add_numbers(*request, *response, std::move(done)); });
  }

  grpc::ServerUnaryReactor* DrainNumbers(grpc::CallbackServerContext* context,
                                         const v1::DrainNumbersRequest* request,
                                         v1::DrainNumbersResponse* response) override {
    return run_unary(*context, statistics_, Method::kDrainNumbers,
                     [&](auto done) { numbers_.drain_numbers(*request, *response, std::move(done)); });
  }

  grpc::ServerWriteReactor<v1::WatchPoolsResponse>* WatchPools(
      grpc::CallbackServerContext*, const v1::WatchPoolsRequest* request) override {
    return open_pool_watch(*request, core_, streams_, statistics_, watch_interval_);
  }

 private:
  const PoolCore& core_;
  NumberCore& numbers_;
  EventStreams& streams_;
  Statistics& statistics_;
  const std::chrono::milliseconds watch_interval_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_pool_service(const PoolCore& core, NumberCore& numbers,
                                                 EventStreams& streams, Statistics& statistics,
                                                 std::chrono::milliseconds watch_interval) {
  return std::make_unique<PoolService>(core, numbers, streams, statistics, watch_interval);
}

}  // namespace ringtrace::rpc
