#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grpc/errors.h"

namespace ringtrace::rpc {

/// Every method of the services; the order is that of kMethodNames.
enum class Method : std::uint8_t {
  kLeaseNumber,
  kRenewLease,
  kReleaseLease,
  kGetLease,
  kLeaseNumbers,
  kStreamCallEvents,
  kListCalls,
  kGetCall,
  kEraseCaller,
  kListPools,
  kGetPool,
  kWatchPools,
  kAddNumbers,
  kDrainNumbers,
  kPlanCapacity,
  kResolveNumber,
};

inline constexpr std::size_t kMethods = static_cast<std::size_t>(Method::kResolveNumber) + 1;

/// How many status codes gRPC has, 0 (OK) to 16.
inline constexpr std::size_t kStatusCodes = 17;

/// "LeaseService/LeaseNumber".
std::string_view to_string(Method method);

/// "OK", "INVALID_ARGUMENT"...; "UNKNOWN" for a number that is no code.
std::string_view status_code_name(std::size_t code);

/// Requests of one method that ended with one status.
struct RequestCount {
  std::string_view method;  ///< "LeaseService/LeaseNumber"
  std::string_view code;    ///< "OK"
  std::uint64_t count = 0;
};

/// Requests and streams that ended with one reason.
struct ErrorCount {
  std::string_view reason;  ///< "POOL_EXHAUSTED"
  std::uint64_t count = 0;
};

/// The figures at one instant.
struct StatisticsSnapshot {
  std::vector<RequestCount> requests;  ///< those that are not zero
  std::vector<ErrorCount> errors;      ///< those that are not zero
  std::uint64_t events_sent = 0;       ///< call events handed to clients, over all streams
  std::uint64_t streams_open = 0;      ///< event streams open now
  std::uint64_t streams_refused = 0;   ///< refused because too many were open
};

/// What the services have done since start. Counts are relaxed: each is right, together they may be from
/// slightly different instants. Every member may be called from any thread.
class Statistics {
 public:
  /// One request of the method ended; `code` is the gRPC status code.
  void count(Method method, std::size_t code) {
    if (code >= kStatusCodes) return;
    requests_[static_cast<std::size_t>(method)][code].fetch_add(1, std::memory_order_relaxed);
  }

  /// One request or stream ended with that error.
  void count_error(Reason reason) {
    errors_[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
  }

  void count_event() { events_sent_.fetch_add(1, std::memory_order_relaxed); }
  void count_refused_stream() { streams_refused_.fetch_add(1, std::memory_order_relaxed); }

  /// All but `streams_open`, which EventStreams knows.
  StatisticsSnapshot snapshot() const;

 private:
  std::array<std::array<std::atomic<std::uint64_t>, kStatusCodes>, kMethods> requests_{};
  std::array<std::atomic<std::uint64_t>, kReasons> errors_{};
  std::atomic<std::uint64_t> events_sent_{0};
  std::atomic<std::uint64_t> streams_refused_{0};
};

}  // namespace ringtrace::rpc
