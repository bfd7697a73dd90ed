#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <ringtrace/v1/pool_service.grpc.pb.h>

#include "grpc/front.h"

namespace ringtrace::rpc {
namespace {

/// Refuses a stream at once.
class RefusedWatch final : public grpc::ServerWriteReactor<v1::WatchPoolsResponse> {
 public:
  explicit RefusedWatch(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

using Raw =
    v1::PoolService::WithRawCallbackMethod_ResolveNumber<v1::PoolService::WithRawCallbackMethod_PlanCapacity<
        v1::PoolService::WithRawCallbackMethod_DrainNumbers<v1::PoolService::WithRawCallbackMethod_AddNumbers<
            v1::PoolService::WithRawCallbackMethod_GetPool<v1::PoolService::WithRawCallbackMethod_ListPools<
                v1::PoolService::WithCallbackMethod_WatchPools<v1::PoolService::Service>>>>>>>;

class PoolService final : public Raw {
 public:
  PoolService(const PoolCore& core, Front& front) : core_(core), front_(front) {}

  grpc::ServerUnaryReactor* ListPools(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override {
    return run_unary<v1::ListPoolsRequest, v1::ListPoolsResponse>(
        front_, *context, Method::kListPools, *request, *response,
        [this](const auto& asked, auto& answer, auto done) { done(core_.list_pools(asked, answer)); });
  }

  grpc::ServerUnaryReactor* GetPool(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override {
    return run_unary<v1::GetPoolRequest, v1::GetPoolResponse>(
        front_, *context, Method::kGetPool, *request, *response,
        [this](const auto& asked, auto& answer, auto done) { done(core_.get_pool(asked, answer)); });
  }

  grpc::ServerUnaryReactor* ResolveNumber(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override {
    return run_unary<v1::ResolveNumberRequest, v1::ResolveNumberResponse>(
        front_, *context, Method::kResolveNumber, *request, *response,
        [this](const auto& asked, auto& answer, auto done) { done(core_.resolve_number(asked, answer)); });
  }

  grpc::ServerUnaryReactor* PlanCapacity(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override {
    return run_unary<v1::PlanCapacityRequest, v1::PlanCapacityResponse>(
        front_, *context, Method::kPlanCapacity, *request, *response,
        [](const auto& asked, auto& answer, auto done) { done(PoolCore::plan_capacity(asked, answer)); });
  }

  grpc::ServerUnaryReactor* AddNumbers(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override {
    return run_unary<v1::AddNumbersRequest, v1::AddNumbersResponse>(
        front_, *context, Method::kAddNumbers, *request, *response,
        [](const auto&, auto&, auto done) { done(not_implemented(to_string(Method::kAddNumbers))); });
  }

  grpc::ServerUnaryReactor* DrainNumbers(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override {
    return run_unary<v1::DrainNumbersRequest, v1::DrainNumbersResponse>(
        front_, *context, Method::kDrainNumbers, *request, *response,
        [](const auto&, auto&, auto done) { done(not_implemented(to_string(Method::kDrainNumbers))); });
  }

  grpc::ServerWriteReactor<v1::WatchPoolsResponse>* WatchPools(grpc::CallbackServerContext*,
                                                               const v1::WatchPoolsRequest*) override {
    return new RefusedWatch(count_end(
        front_, Method::kWatchPools,
        not_implemented(to_string(Method::kWatchPools))));  // deletes itself when the library is done with it
  }

 private:
  const PoolCore& core_;
  Front& front_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_pool_service(const PoolCore& core, Front& front) {
  return std::make_unique<PoolService>(core, front);
}

}  // namespace ringtrace::rpc
