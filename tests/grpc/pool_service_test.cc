#include <catch2/catch.hpp>
#include <chrono>
#include <limits>
#include <string>

#include "grpc/pool_core.h"
#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

std::string lend(Harness& harness, const std::string& visit, const std::string& utm_source = "google") {
  Context context;
  v1::LeaseNumberRequest request;
  request.set_parent("pools/main");
  request.mutable_visit()->set_visit_id(visit);
  request.mutable_visit()->mutable_attributes()->set_utm_source(utm_source);
  v1::LeaseNumberResponse response;
  REQUIRE(harness.leases->LeaseNumber(&context, request, &response).ok());
  return response.lease().number();
}

grpc::Status resolve(Harness& harness, const v1::ResolveNumberRequest& request,
                     v1::ResolveNumberResponse& response) {
  Context context;
  return harness.pool_service->ResolveNumber(&context, request, &response);
}

TEST_CASE("a pool tells its configuration and what is in use") {
  Harness harness;
  lend(harness, "v-1");
  Context context;
  v1::GetPoolRequest request;
  request.set_name("pools/main");
  v1::GetPoolResponse response;
  REQUIRE(harness.pool_service->GetPool(&context, request, &response).ok());
  const v1::Pool& pool = response.pool();
  CHECK(pool.name() == "pools/main");
  CHECK(pool.ttl().seconds() == 1800);
  CHECK(pool.hold().seconds() == 150);
  CHECK(pool.fallback_number() == "+74950000009");
  CHECK(pool.source_fallback_numbers().at("google/cpc") == "+74950000008");
  CHECK(pool.capacity().total_count() == 3);
  CHECK(pool.capacity().leased_count() == 1);
  CHECK(pool.capacity().free_count() == 2);
  CHECK(pool.capacity().lease_count() == 1);
  CHECK(pool.capacity().nondurable_count() == 1);
  CHECK(pool.capacity().exhausted_count() == 0);
  CHECK(pool.capacity().read_time().seconds() == 1'772'366'400);
}

TEST_CASE("numbers that are held back are told apart from those that wait for the store") {
  Harness harness;
  const auto visit = [](const char* id) { return pool::VisitView{id, "", "", ""}; };
  for (const char* id : {"held", "held too", "asked"}) {
    harness.pools->reserve({}, visit(id), std::chrono::minutes(1), pool::AdmissionClass::kValuable,
                           harness.clock.now());
  }
  const PoolCore core(*harness.pools, harness.clock, [](pool::PoolIndex) { return std::uint64_t{2}; });
  v1::Pool pool;
  core.fill(pool, {});
  CHECK(pool.capacity().held_back_count() == 2);
  CHECK(pool.capacity().reserved_count() == 1);
}

TEST_CASE("an unknown pool is not found") {
  Harness harness;
  Context context;
  v1::GetPoolRequest request;
  request.set_name("pools/nowhere");
  v1::GetPoolResponse response;
  const grpc::Status status = harness.pool_service->GetPool(&context, request, &response);
  CHECK(status.error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(error_info(status).metadata().at("pool") == "nowhere");
}

TEST_CASE("pools are listed by name, page by page") {
  Harness harness;
  v1::ListPoolsRequest request;
  request.set_page_size(1);
  v1::ListPoolsResponse first;
  Context first_context;
  REQUIRE(harness.pool_service->ListPools(&first_context, request, &first).ok());
  REQUIRE(first.pools_size() == 1);
  CHECK(first.pools(0).name() == "pools/main");
  REQUIRE_FALSE(first.next_page_token().empty());

  request.set_page_token(first.next_page_token());
  v1::ListPoolsResponse second;
  Context second_context;
  REQUIRE(harness.pool_service->ListPools(&second_context, request, &second).ok());
  REQUIRE(second.pools_size() == 1);
  CHECK(second.pools(0).name() == "pools/strict");
  CHECK(second.next_page_token().empty());
}

TEST_CASE("a page token that no response gave, and a negative page, are refused") {
  Harness harness;
  v1::ListPoolsResponse response;
  v1::ListPoolsRequest request;
  request.set_page_token("???");
  Context token_context;
  CHECK(error_info(harness.pool_service->ListPools(&token_context, request, &response)).reason() ==
        "PAGE_TOKEN_INVALID");
  request.clear_page_token();
  request.set_page_size(-1);
  Context size_context;
  CHECK(error_info(harness.pool_service->ListPools(&size_context, request, &response)).reason() ==
        "FIELD_OUT_OF_RANGE");
}

TEST_CASE("a leased number resolves to its visit with what the visit brought") {
  Harness harness;
  v1::ResolveNumberRequest request;
  request.set_dialed_number(lend(harness, "v-1"));
  request.set_caller("+79160000000");
  v1::ResolveNumberResponse response;
  REQUIRE(resolve(harness, request, response).ok());
  const v1::Resolution& resolution = response.resolution();
  CHECK(resolution.method() == v1::RESOLUTION_METHOD_ACTIVE_LEASE);
  CHECK(resolution.visit().visit_id() == "v-1");
  CHECK(resolution.visit().attributes().utm_source() == "google");
  CHECK(resolution.source() == "google");
  CHECK(resolution.pool() == "pools/main");
  CHECK(resolution.candidates_size() == 1);
}

TEST_CASE("a number of no pool resolves to nobody, the fallback number to the fallback") {
  Harness harness;
  v1::ResolveNumberRequest request;
  v1::ResolveNumberResponse response;
  request.set_dialed_number("+15550001111");
  REQUIRE(resolve(harness, request, response).ok());
  CHECK(response.resolution().method() == v1::RESOLUTION_METHOD_NONE);
  CHECK_FALSE(response.resolution().has_visit());
  request.set_dialed_number("+74950000009");
  REQUIRE(resolve(harness, request, response).ok());
  CHECK(response.resolution().method() == v1::RESOLUTION_METHOD_FALLBACK);
}

TEST_CASE("a number is resolved for the instant that is asked about") {
  Harness harness;
  v1::ResolveNumberRequest request;
  request.set_dialed_number(lend(harness, "v-1"));
  request.mutable_at_time()->set_seconds(1'772'366'400 - 3600);
  v1::ResolveNumberResponse response;
  REQUIRE(resolve(harness, request, response).ok());
  CHECK(response.resolution().visit().visit_id().empty());
}

TEST_CASE("each mistake in a request to resolve names its field") {
  Harness harness;
  v1::ResolveNumberResponse response;
  v1::ResolveNumberRequest request;
  CHECK(error_info(resolve(harness, request, response)).metadata().at("field") == "dialed_number");
  request.set_dialed_number("call me");
  CHECK(error_info(resolve(harness, request, response)).reason() == "FIELD_MALFORMED");
  request.set_dialed_number("+74950000001");
  request.set_caller("nobody");
  CHECK(error_info(resolve(harness, request, response)).metadata().at("field") == "caller");
  request.clear_caller();
  request.mutable_at_time()->set_nanos(-1);
  CHECK(error_info(resolve(harness, request, response)).metadata().at("field") == "at_time");
}

TEST_CASE("a plan says how many numbers a traffic needs") {
  Harness harness;
  v1::PlanCapacityRequest request;
  request.set_hourly_visits(100);
  request.mutable_visit_duration()->set_seconds(300);
  request.mutable_hold()->set_seconds(60);
  request.set_exhausted_share(0.01);
  v1::PlanCapacityResponse response;
  Context context;
  REQUIRE(harness.pool_service->PlanCapacity(&context, request, &response).ok());
  CHECK(response.offered_erlangs() == Approx(10));
  CHECK(response.number_count() == 18);  // the usual Erlang B table: 10 E at 1 %
}

TEST_CASE("a plan with a share or a traffic out of range is refused") {
  Harness harness;
  v1::PlanCapacityRequest good;
  good.set_hourly_visits(100);
  good.set_exhausted_share(0.01);
  const auto field_of = [&](const v1::PlanCapacityRequest& request) {
    v1::PlanCapacityResponse response;
    Context context;
    return error_info(harness.pool_service->PlanCapacity(&context, request, &response))
        .metadata()
        .at("field");
  };
  for (const double share : {0.0, 1.0, -0.5, std::numeric_limits<double>::quiet_NaN()}) {
    v1::PlanCapacityRequest request = good;
    request.set_exhausted_share(share);
    CHECK(field_of(request) == "exhausted_share");
  }
  for (const double visits : {-1.0, std::numeric_limits<double>::quiet_NaN(), 1e300}) {
    v1::PlanCapacityRequest request = good;
    request.mutable_visit_duration()->set_seconds(60);
    request.set_hourly_visits(visits);
    CHECK(field_of(request) == "hourly_visits");
  }
  v1::PlanCapacityRequest request = good;
  request.mutable_hold()->set_seconds(-1);
  CHECK(field_of(request) == "hold");
}

}  // namespace
}  // namespace ringtrace::rpc::testing
