#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <ringtrace/v1/pool_service.grpc.pb.h>

#include <chrono>
#include <utility>

#include "grpc/front.h"
#include "grpc/pool_watch.h"

namespace ringtrace::rpc {
namespace {

/// All methods take their messages as bytes, so that what is too long is refused before it is read, and what
/// is no message with a reason; the library would say UNIMPLEMENTED, or nothing.
using Raw =
    v1::PoolService::WithRawCallbackMethod_ResolveNumber<v1::PoolService::WithRawCallbackMethod_PlanCapacity<
        v1::PoolService::WithRawCallbackMethod_DrainNumbers<v1::PoolService::WithRawCallbackMethod_AddNumbers<
            v1::PoolService::WithRawCallbackMethod_GetPool<v1::PoolService::WithRawCallbackMethod_ListPools<
                v1::PoolService::WithRawCallbackMethod_WatchPools<v1::PoolService::Service>>>>>>>;

class PoolService final : public Raw {
 public:
  PoolService(const PoolCore& core, NumberCore& numbers, EventStreams& streams, Front& front,
              std::chrono::milliseconds watch_interval)
      : core_(core), numbers_(numbers), streams_(streams), front_(front), watch_interval_(watch_interval) {}

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
        [this](const auto& asked, auto& answer, auto done) {
          numbers_.add_numbers(asked, answer, std::move(done));
        });
  }

  grpc::ServerUnaryReactor* DrainNumbers(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override {
    return run_unary<v1::DrainNumbersRequest, v1::DrainNumbersResponse>(
        front_, *context, Method::kDrainNumbers, *request, *response,
        [this](const auto& asked, auto& answer, auto done) {
          numbers_.drain_numbers(asked, answer, std::move(done));
        });
  }

  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchPools(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request) override {
    return open_pool_watch(*context, *request, core_, streams_, front_, watch_interval_);
  }

 private:
  const PoolCore& core_;
  NumberCore& numbers_;
  EventStreams& streams_;
  Front& front_;
  const std::chrono::milliseconds watch_interval_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_pool_service(const PoolCore& core, NumberCore& numbers,
                                                 EventStreams& streams, Front& front,
                                                 std::chrono::milliseconds watch_interval) {
  return std::make_unique<PoolService>(core, numbers, streams, front, watch_interval);
}

}  // namespace ringtrace::rpc
