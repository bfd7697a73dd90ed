#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "tests/grpc/harness.h"

/// Which token may call what, over all methods.
namespace ringtrace::rpc::testing {
namespace {

/// The methods that a token with only this scope may call.
std::set<std::string> allowed(Scope scope) {
  const ManualClock clock;
  AccessControl control(TokenTable({{"t", hash_token("secret"), {scope}, {}, std::nullopt}}), {}, clock);
  std::set<std::string> names;
  for (std::size_t i = 0; i < kMethods; ++i) {
    const auto method = static_cast<Method>(i);
    const auto admitted = control.admit(method, "Bearer secret", "ipv4:192.0.2.1:1");
    if (std::holds_alternative<Ticket>(admitted)) {
      names.emplace(to_string(method));
    } else {
      CHECK(std::get<Error>(admitted).reason == Reason::kScopeMissing);
    }
  }
  return names;
}

/// Whether a call with a token for pool "main" alone, given as a lambda of a context, is refused for the
/// pool.
template <typename Call>
bool is_of_a_foreign_pool(Call call) {
  Context context;
  context.AddMetadata("authorization", "Bearer secret");
  const grpc::Status status = call(context);
  return status.error_code() == grpc::StatusCode::PERMISSION_DENIED &&
         error_info(status).reason() == "POOL_NOT_ALLOWED" &&
         error_info(status).metadata().at("pool") == "strict";
}

}  // namespace

TEST_CASE("each scope allows its own methods and no other") {
  CHECK(allowed(Scope::kLease) == std::set<std::string>{"LeaseService/LeaseNumber", "LeaseService/RenewLease",
                                                        "LeaseService/ReleaseLease", "LeaseService/GetLease",
                                                        "LeaseService/LeaseNumbers"});
  CHECK(allowed(Scope::kRead) ==
        std::set<std::string>{"CallService/StreamCallEvents", "CallService/ListCalls", "CallService/GetCall",
                              "PoolService/ListPools", "PoolService/GetPool", "PoolService/WatchPools",
                              "PoolService/PlanCapacity", "PoolService/ResolveNumber"});
  CHECK(allowed(Scope::kAdmin) == std::set<std::string>{"CallService/EraseCaller", "PoolService/AddNumbers",
                                                        "PoolService/DrainNumbers"});
}

TEST_CASE("a token for one pool is refused by every method that names another") {
  ServerConfig config;
  config.tokens = std::vector<TokenGrant>{
      {"t", hash_token("secret"), {Scope::kLease, Scope::kRead, Scope::kAdmin}, {"main"}, std::nullopt}};
  Harness harness(nullptr, config);
  const auto with_parent = [](auto request) {
    request.set_parent("pools/strict");
    request.set_visit_id("v-1");
    return request;
  };
  const auto with_name = [](auto request) {
    request.set_name("pools/strict");
    request.add_numbers("+78120000001");
    return request;
  };
  CHECK(is_of_a_foreign_pool([&](auto& context) {
    v1::LeaseNumberResponse response;
    return harness.leases->LeaseNumber(&context, lease_request("v-1", "pools/strict"), &response);
  }));
  CHECK(is_of_a_foreign_pool([&](auto& context) {
    v1::RenewLeaseResponse response;
    return harness.leases->RenewLease(&context, with_parent(v1::RenewLeaseRequest()), &response);
  }));
  CHECK(is_of_a_foreign_pool([&](auto& context) {
    v1::ReleaseLeaseResponse response;
    return harness.leases->ReleaseLease(&context, with_parent(v1::ReleaseLeaseRequest()), &response);
  }));
  CHECK(is_of_a_foreign_pool([&](auto& context) {
    v1::GetLeaseResponse response;
    return harness.leases->GetLease(&context, with_parent(v1::GetLeaseRequest()), &response);
  }));
  CHECK(is_of_a_foreign_pool([&](auto& context) {
    v1::ListCallsRequest request;
    request.set_pool("pools/strict");
    v1::ListCallsResponse response;
    return harness.calls->ListCalls(&context, request, &response);
  }));
  CHECK(is_of_a_foreign_pool([&](auto& context) {
    v1::GetPoolRequest request;
    request.set_name("pools/strict");
    v1::GetPoolResponse response;
    return harness.pool_service->GetPool(&context, request, &response);
  }));
  CHECK(is_of_a_foreign_pool([&](auto& context) {
    v1::AddNumbersResponse response;
    return harness.pool_service->AddNumbers(&context, with_name(v1::AddNumbersRequest()), &response);
  }));
  CHECK(is_of_a_foreign_pool([&](auto& context) {
    v1::DrainNumbersResponse response;
    return harness.pool_service->DrainNumbers(&context, with_name(v1::DrainNumbersRequest()), &response);
  }));
  CHECK(is_of_a_foreign_pool([&](auto& context) {
    v1::WatchPoolsRequest request;
    request.add_names("pools/strict");
    return harness.pool_service->WatchPools(&context, request)->Finish();
  }));
  CHECK(is_of_a_foreign_pool([&](auto& context) {
    const auto stream = harness.calls->StreamCallEvents(&context);
    v1::StreamCallEventsRequest request;
    request.mutable_start()->add_pools("pools/strict");
    stream->Write(request);
    return stream->Finish();
  }));
  CHECK(harness.book.kept.empty());
}

TEST_CASE("a stream ends, to begin again, when its token comes to allow something else") {
  ServerConfig config;
  TokenGrant crm{"crm", hash_token("secret"), {Scope::kRead}, {"strict"}, std::nullopt};
  config.tokens = std::vector{crm};
  config.pool_watch_interval = std::chrono::milliseconds(1);
  Harness harness(nullptr, config);
  Context context;
  context.AddMetadata("authorization", "Bearer secret");
  const auto watch = harness.pool_service->WatchPools(&context, {});
  v1::WatchPoolsResponse response;
  REQUIRE(watch->Read(&response));
  CHECK(response.pool().name() == "pools/strict");
  crm.pools = {"main"};
  harness.server.replace_tokens(std::vector{crm});
  CHECK_FALSE(watch->Read(&response));
  const grpc::Status status = watch->Finish();
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(error_info(status).reason() == "TOKEN_CHANGED");
  CHECK(retry_delay(status) > std::chrono::milliseconds(0));
}

}  // namespace ringtrace::rpc::testing
