#pragma once

#include <vector>

#include "tests/redis/redis_server.h"

namespace ringtrace::bench {

/// What leasing over gRPC brought.
struct GrpcLeases {
  double per_second = 0;
  std::vector<double> latencies_ms;
};

/// LeaseNumber, durable, with so many calls under way for a second, at a gateway of its own over that Redis,
/// each for a visit of its own. Throws when a call failed or a number was given twice.
GrpcLeases lease_over_grpc(const test::RedisServer& server, int concurrency);

}  // namespace ringtrace::bench
