#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
TEST_CASE("visits of a source with a static number are shown that one, and hold nothing") {
  pool::PoolsConfig config = two_pools();
  config.pools[0].static_numbers = {{number(74950000007), pool::Source::cut("leaflet/qr")}};
  Harness harness(nullptr, {}, config);
  auto request = lease_request();
  request.mutable_visit()->mutable_attributes()->set_utm_source("Leaflet");
  request.mutable_visit()->mutable_attributes()->set_utm_medium("qr");
  const Leased leased = lease(harness, request);
  REQUIRE(leased.status.ok());
  CHECK(leased.lease.kind() == v1::NUMBER_KIND_STATIC);
  CHECK(leased.lease.number() == "+74950000007");
  CHECK(leased.lease.formats().national() == "8 (495) 000-00-07");
  CHECK(leased.lease.source() == "leaflet/qr");
  CHECK(leased.lease.visit().visit_id() == "v-1");
  CHECK_FALSE(leased.lease.has_expire_time());
  CHECK(harness.pools->counts(pool::PoolIndex{0}, harness.clock.now()).free == 3);

  request.set_admission_class(v1::ADMISSION_CLASS_BOT);
  CHECK(lease(harness, request).lease.kind() == v1::NUMBER_KIND_FALLBACK);
  request.clear_admission_class();
  request.set_parent("pools/strict");
  CHECK(lease(harness, request).lease.kind() == v1::NUMBER_KIND_DYNAMIC);
}

TEST_CASE("a number tells since when it is lent, and how long it had been idle before") {
  pool::PoolsConfig config = two_pools();
  config.pools[0].numbers = {number(74950000001)};
  Harness harness(nullptr, {}, config);
  const Leased first = lease(harness, lease_request("v-1"));
  CHECK_FALSE(first.lease.has_idle_duration());
  CHECK(first.lease.expire_time().seconds() - first.lease.start_time().seconds() == 1800);
  Context context;
  v1::ReleaseLeaseRequest releasing;
  releasing.set_parent("pools/main");
  releasing.set_visit_id("v-1");
  v1::ReleaseLeaseResponse released;
  REQUIRE(harness.leases->ReleaseLease(&context, releasing, &released).ok());
  harness.clock.advance(std::chrono::minutes(10));
  harness.leasing.tick();
  CHECK(lease(harness, lease_request("v-2")).lease.idle_duration().seconds() == 600);
}

TEST_CASE("an error tells the request's own name again") {
  Harness harness;
  auto request = lease_request("v-1", "pools/nowhere");
  request.set_request_id("retry-7");
  CHECK(error_info(lease(harness, request).status).metadata().at("request_id") == "retry-7");

  Context context;
  v1::RenewLeaseRequest renewing;
  renewing.set_parent("pools/main");
  renewing.set_visit_id("nobody");
  renewing.set_request_id("retry-8");
  v1::RenewLeaseResponse response;
  const grpc::Status status = harness.leases->RenewLease(&context, renewing, &response);
  CHECK(error_info(status).metadata().at("request_id") == "retry-8");
  renewing.set_request_id(std::string(65, 'x'));
  Context again;
  const auto info = error_info(harness.leases->RenewLease(&again, renewing, &response));
  CHECK(info.metadata().at("field") == "request_id");
  CHECK(info.metadata().count("request_id") == 0);
}

}  // namespace ringtrace::rpc::testing
