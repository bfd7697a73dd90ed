#pragma once

#include <ringtrace/v1/pool_service.pb.h>

#include <functional>

#include "grpc/errors.h"
#include "grpc/number_book.h"
#include "pool/leasing.h"

namespace ringtrace::rpc {

/// Numbers one request may name: as many as a message of the greatest size holds.
inline constexpr int kMaxNumbersARequest = 3'000;

/// AddNumbers and DrainNumbers without their transport: each change is kept first and made then, so that
/// what was answered outlives the gateway. Each fills `response` and calls `done` exactly once, from inside
/// the call or from the store's thread; request and response must live until then. With an error the response
/// is not to be sent. May be called from any thread.
class NumberCore {
 public:
  using Done = std::function<void(const Outcome&)>;

  /// Both must outlive the core and everything that is under way.
  NumberCore(pool::Leasing& leasing, NumberBook& book) : leasing_(leasing), book_(book) {}

  void add_numbers(const v1::AddNumbersRequest& request, v1::AddNumbersResponse& response, Done done);
  void drain_numbers(const v1::DrainNumbersRequest& request, v1::DrainNumbersResponse& response, Done done);

 private:
  enum class Use { kNone, kLent, kOther };
  Use use_in(pool::PoolIndex pool, pool::Number number) const;

  pool::Leasing& leasing_;
  NumberBook& book_;
};

}  // namespace ringtrace::rpc
