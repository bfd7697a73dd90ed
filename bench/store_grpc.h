#pragma once

#include <vector>

#include "tests/redis/redis_server.h"

namespace ringtrace::bench {

// LeaseNumber, durable, at a gateway of its own over that Redis, each call for a visit of its own. Both throw
// when a call failed or a number was given twice.

/// Leases a second with so many calls under way.
double grpc_leases_per_second(const test::RedisServer& server, int concurrency);

/// Milliseconds of each call at so many calls a second.
std::vector<double> grpc_lease_times(const test::RedisServer& server, double rate);

}  // namespace ringtrace::bench
