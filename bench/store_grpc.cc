#include "bench/store_grpc.h"

#include <stdexcept>
#include <utility>

#include "bench/grpc_child.h"
#include "bench/grpc_load.h"

namespace ringtrace::bench {

namespace {

LoadResult lease(const test::RedisServer& server, int concurrency, double rate) {
  const Child child({"gateway", server.unix_endpoint().unix_path});
  LoadResult result =
      run_unary_load({child.address(), true, concurrency, std::chrono::milliseconds(1'000), rate});
  if (result.failures + result.doubles > 0) throw std::runtime_error("leases over gRPC failed");
  return result;
}

}  // namespace

double grpc_leases_per_second(const test::RedisServer& server, int concurrency) {
  return lease(server, concurrency, 0).per_second;
}

std::vector<double> grpc_lease_times(const test::RedisServer& server, double rate) {
  return lease(server, 64, rate).latencies_ms;
}

}  // namespace ringtrace::bench
