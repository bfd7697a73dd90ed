#pragma once

#include <ringtrace/v1/pool_service.pb.h>

#include <cstdint>
#include <functional>
#include <utility>
#include <variant>
#include <vector>

#include "grpc/errors.h"
#include "pool/leasing.h"

namespace ringtrace::rpc {

/// PoolService without its transport: each method answers at once, from memory. May be called from any
/// thread. With an error the response is not to be sent.
class PoolCore {
 public:
  /// Pools a page holds: by default, and at most (a greater page_size is cut).
  static constexpr std::int32_t kDefaultPageSize = 100;
  static constexpr std::int32_t kMaxPageSize = 1000;

  /// How many of a pool's reservations are numbers held back; from any thread.
  using HeldBack = std::function<std::uint64_t(pool::PoolIndex)>;

  /// All must outlive the core.
  PoolCore(const pool::NumberPools& pools, const pool::Clock& clock, HeldBack held_back)
      : pools_(pools), clock_(clock), held_back_(std::move(held_back)) {}

  Outcome list_pools(const v1::ListPoolsRequest& request, v1::ListPoolsResponse& response) const;
  Outcome get_pool(const v1::GetPoolRequest& request, v1::GetPoolResponse& response) const;
  Outcome resolve_number(const v1::ResolveNumberRequest& request, v1::ResolveNumberResponse& response) const;

  /// The pools a watch asks for, each once.
  std::variant<std::vector<pool::PoolIndex>, Error> watched_pools(const v1::WatchPoolsRequest& request) const;

  /// The pool as it stands now.
  void fill(v1::Pool& message, pool::PoolIndex pool) const;

  /// A number is taken for the visit and its hold; visits come at random (Poisson), so Erlang B holds
  /// whatever the distribution of their lengths.
  static Outcome plan_capacity(const v1::PlanCapacityRequest& request, v1::PlanCapacityResponse& response);

 private:
  const pool::NumberPools& pools_;
  const pool::Clock& clock_;
  const HeldBack held_back_;
};

}  // namespace ringtrace::rpc
