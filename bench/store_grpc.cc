#include "bench/store_grpc.h"

#include <stdexcept>
#include <utility>

#include "bench/grpc_child.h"
#include "bench/grpc_load.h"

namespace ringtrace::bench {

GrpcLeases lease_over_grpc(const test::RedisServer& server, int concurrency) {
  const Child child({"gateway", server.unix_endpoint().unix_path});
  LoadResult result = run_unary_load({child.address(), true, concurrency});
  if (result.failures + result.doubles > 0) throw std::runtime_error("leases over gRPC failed");
  return {result.per_second, std::move(result.latencies_ms)};
}

}  // namespace ringtrace::bench
