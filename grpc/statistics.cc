#include "grpc/statistics.h"

namespace ringtrace::rpc {
namespace {

constexpr std::array<std::string_view, kMethods> kMethodNames = {
    "LeaseService/LeaseNumber",  "LeaseService/RenewLease",   "LeaseService/ReleaseLease",
    "LeaseService/GetLease",     "LeaseService/LeaseNumbers", "CallService/StreamCallEvents",
    "CallService/ListCalls",     "CallService/GetCall",       "CallService/EraseCaller",
    "PoolService/ListPools",     "PoolService/GetPool",       "PoolService/WatchPools",
    "PoolService/AddNumbers",    "PoolService/DrainNumbers",  "PoolService/PlanCapacity",
    "PoolService/ResolveNumber",
};

constexpr std::array<std::string_view, kStatusCodes> kCodeNames = {
    "OK",        "CANCELLED",       "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS",  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",    "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED",
};

}  // namespace

std::string_view to_string(Method method) { return kMethodNames[static_cast<std::size_t>(method)]; }

std::string_view status_code_name(std::size_t code) {
  return code < kStatusCodes ? kCodeNames[code] : std::string_view("UNKNOWN");
}

StatisticsSnapshot Statistics::snapshot() const {
  StatisticsSnapshot result;
  for (std::size_t method = 0; method < kMethods; ++method) {
    for (std::size_t code = 0; code < kStatusCodes; ++code) {
      const std::uint64_t count = requests_[method][code].load(std::memory_order_relaxed);
      if (count != 0) result.requests.push_back({kMethodNames[method], kCodeNames[code], count});
    }
  }
  for (std::size_t reason = 0; reason < kReasons; ++reason) {
    const std::uint64_t count = errors_[reason].load(std::memory_order_relaxed);
    if (count != 0) result.errors.push_back({to_string(static_cast<Reason>(reason)), count});
  }
  result.events_sent = events_sent_.load(std::memory_order_relaxed);
  result.streams_refused = streams_refused_.load(std::memory_order_relaxed);
  return result;
}

}  // namespace ringtrace::rpc
