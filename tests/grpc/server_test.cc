#include "grpc/server.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <string>
#include <thread>

#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

/// The status byte of grpc.health.v1.Health/Check for a service; its messages are too small to need code.
int health_of(Harness& harness, const std::string& service) {
  std::string request;
  if (!service.empty()) {
    request = "\x0A" + std::string(1, static_cast<char>(service.size())) + service;
  }
  const RawAnswer answer = call_raw(harness.channel, "/grpc.health.v1.Health/Check", request);
  REQUIRE(answer.status.ok());
  REQUIRE(answer.bytes.size() == 2);
  return answer.bytes[1];
}

TEST_CASE("a port in use is an error that names the address and the reason") {
  Harness harness;
  const std::string address = "127.0.0.1:" + std::to_string(harness.server.bound_port());
  Server second({.address = address}, harness.backends());
  const std::optional<std::string> error = second.start();
  REQUIRE(error);
  CHECK(*error == "cannot listen on " + address + ": Address already in use");
  CHECK(second.bound_port() == 0);
}

TEST_CASE("an address that is none is an error") {
  Harness harness;
  const std::string address = GENERATE("127.0.0.1:nonsense", "203.0.113.7:7080");
  Server server({.address = address}, harness.backends());
  const std::optional<std::string> error = server.start();
  REQUIRE(error);
  CHECK(error->find(address) != std::string::npos);
}

TEST_CASE("health says that the gateway and each service serve") {
  Harness harness;
  constexpr int kServing = 1;
  CHECK(health_of(harness, "") == kServing);
  CHECK(health_of(harness, "ringtrace.v1.LeaseService") == kServing);
  CHECK(health_of(harness, "ringtrace.v1.CallService") == kServing);
  CHECK(health_of(harness, "ringtrace.v1.PoolService") == kServing);
}

TEST_CASE("a message beyond the limit is refused and the connection goes on") {
  Harness harness;
  auto large = lease_request("v-1");
  large.mutable_visit()->mutable_attributes()->set_utm_term(std::string(300'000, 'x'));
  Context large_context;
  v1::LeaseNumberResponse response;
  CHECK(harness.leases->LeaseNumber(&large_context, large, &response).error_code() ==
        grpc::StatusCode::RESOURCE_EXHAUSTED);
  Context context;
  CHECK(harness.leases->LeaseNumber(&context, lease_request("v-1"), &response).ok());
}

TEST_CASE("requests are counted by method and status") {
  Harness harness;
  v1::LeaseNumberResponse response;
  for (const char* visit : {"v-1", "v-2", ""}) {
    Context context;
    harness.leases->LeaseNumber(&context, lease_request(visit), &response);
  }
  const auto requests = harness.server.statistics().requests;
  const auto count_of = [&](std::string_view code) {
    const auto found = std::find_if(requests.begin(), requests.end(), [&](const RequestCount& count) {
      return count.method == "LeaseService/LeaseNumber" && count.code == code;
    });
    return found == requests.end() ? 0 : found->count;
  };
  CHECK(requests.size() == 2);
  CHECK(count_of("OK") == 2);
  CHECK(count_of("INVALID_ARGUMENT") == 1);
}

TEST_CASE("a gateway that stops finishes the request that waits for the store") {
  StubStore store;
  Harness harness(&store);
  store.hold_back(true);
  auto leased = std::async(std::launch::async, [&] {
    Context context;
    v1::LeaseNumberResponse response;
    return harness.leases->LeaseNumber(&context, lease_request("v-1"), &response);
  });
  REQUIRE(eventually([&] { return store.waiting() == 1; }));
  auto stopped = std::async(std::launch::async, [&] { harness.server.stop(std::chrono::seconds(20)); });
  store.release_waiting();
  CHECK(leased.get().ok());
  stopped.get();
}

TEST_CASE("a gateway that has stopped serves no more, and stops twice without harm") {
  Harness harness;
  harness.server.stop(std::chrono::seconds(5));
  harness.server.stop(std::chrono::seconds(5));
  Context context;
  v1::LeaseNumberResponse response;
  CHECK(harness.leases->LeaseNumber(&context, lease_request("v-1"), &response).error_code() ==
        grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace ringtrace::rpc::testing
