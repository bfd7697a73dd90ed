#include <catch2/catch.hpp>
#include <chrono>
#include <future>

#include "tests/grpc/harness.h"

/// What a client that asks again meets.
namespace ringtrace::rpc::testing {

TEST_CASE("a client that gave up while the store was asked gets the same number when it asks again") {
  StubStore store;
  Harness harness(&store);
  store.hold_back(true);
  Context impatient;
  auto first = std::async(std::launch::async, [&] {
    v1::LeaseNumberResponse response;
    return harness.leases->LeaseNumber(&impatient, lease_request("v-1"), &response);
  });
  REQUIRE(eventually([&] { return store.waiting() == 1; }));
  impatient.TryCancel();
  CHECK(first.get().error_code() == grpc::StatusCode::CANCELLED);
  auto second = std::async(std::launch::async, [&] { return lease(harness, lease_request("v-1")); });
  // The retry joins the first request's write, or comes after it.
  std::future_status answered = std::future_status::timeout;
  REQUIRE(eventually([&] {
    store.release_waiting();
    answered = second.wait_for(std::chrono::milliseconds(1));
    return answered == std::future_status::ready;
  }));
  const Leased leased = second.get();
  REQUIRE(leased.status.ok());
  CHECK(leased.lease.durable());
  for (const pool::Number written : store.leased()) CHECK(written.to_string() == leased.lease.number());
  const auto counts = harness.pools->counts(pool::PoolIndex{0}, harness.clock.now());
  CHECK(counts.leased == 1);
  CHECK(counts.free == 2);
}

TEST_CASE("when too many requests wait for the store one more is told to come back") {
  StubStore store;
  Harness harness(&store);
  store.hold_back(true);
  // All of one visit: one of them writes, and the others wait for it.
  for (std::uint64_t i = 0; i < pool::Leasing::kMaxWaiting; ++i) {
    harness.leasing.lease(pool::PoolIndex{0}, {"v-1", "", "direct", ""}, std::nullopt,
                          pool::AdmissionClass::kNormal, [](const pool::LeaseAnswer&) {});
  }
  const grpc::Status busy = lease(harness, lease_request("v-2")).status;
  CHECK(busy.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(error_info(busy).reason() == "STORE_BUSY");
  CHECK(retry_delay(busy) > std::chrono::milliseconds(0));
  store.hold_back(false);
  store.release_waiting();
  CHECK(lease(harness, lease_request("v-2")).status.ok());
  CHECK(harness.leasing.totals().waiting == 0);
}

}  // namespace ringtrace::rpc::testing
