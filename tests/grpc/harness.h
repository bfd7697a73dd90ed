#pragma once

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <ringtrace/v1/call_service.grpc.pb.h>
#include <ringtrace/v1/lease_service.grpc.pb.h>
#include <ringtrace/v1/pool_service.grpc.pb.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "grpc/server.h"
#include "pool/leasing.h"
#include "pool/number_pools.h"
#include "tests/grpc/fakes.h"

namespace ringtrace::rpc::testing {

inline pool::Number number(std::uint64_t digits) { return *pool::Number::from_digits(digits); }

/// Two pools: "main" with three numbers and a fallback, "strict" with one number, no fallback, and the
/// store's word required.
inline pool::PoolsConfig two_pools() {
  pool::PoolConfig main;
  main.name = pool::PoolName::cut("main");
  main.numbers = {number(74950000001), number(74950000002), number(74950000003)};
  main.fallback = number(74950000009);
  main.source_fallbacks = {{number(74950000008), pool::Source::cut("google/cpc")}};
  pool::PoolConfig strict;
  strict.name = pool::PoolName::cut("strict");
  strict.numbers = {number(78120000001)};
  strict.on_exhausted = pool::OnExhausted::kRefuse;
  strict.durability = pool::Durability::kRequired;
  pool::PoolsConfig config;
  config.pools = {main, strict};
  return config;
}

/// A server on a free port over real pools, and a client of it.
class Harness {
 public:
  explicit Harness(pool::LeaseStore* store = nullptr, ServerConfig config = {},
                   const pool::PoolsConfig& of_pools = two_pools())
      : pools(std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(of_pools))),
        leasing(*pools, store, clock),
        server(on_free_port(std::move(config)), backends()) {
    const std::optional<std::string> error = server.start();
    INFO(error.value_or(""));
    REQUIRE_FALSE(error);
    channel = connect();
    leases = v1::LeaseService::NewStub(channel);
    calls = v1::CallService::NewStub(channel);
    pool_service = v1::PoolService::NewStub(channel);
  }

  Backends backends() { return {leasing, log, call_index, subscriptions, book, eraser}; }

  std::shared_ptr<grpc::Channel> connect() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server.bound_port()),
                                     grpc::InsecureChannelCredentials(), arguments);
  }

  ManualClock clock;
  std::unique_ptr<pool::NumberPools> pools;
  pool::Leasing leasing;
  MemoryLog log;
  StubIndex call_index;
  StubSubscriptions subscriptions;
  StubBook book;
  StubEraser eraser;
  Server server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::LeaseService::Stub> leases;
  std::unique_ptr<v1::CallService::Stub> calls;
  std::unique_ptr<v1::PoolService::Stub> pool_service;

 private:
  static ServerConfig on_free_port(ServerConfig config) {
    config.address = "127.0.0.1:0";
    return config;
  }
};

/// A context whose call fails a hanging test instead of hanging with it.
struct Context : grpc::ClientContext {
  Context() { set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30)); }
};

/// What asks for a lease with no more than must be said.
inline v1::LeaseNumberRequest lease_request(const std::string& visit = "v-1",
                                            const std::string& pool = "pools/main") {
  v1::LeaseNumberRequest request;
  request.set_parent(pool);
  request.mutable_visit()->set_visit_id(visit);
  return request;
}

/// What a request for a lease brought.
struct Leased {
  grpc::Status status;
  v1::Lease lease;
};

inline Leased lease(Harness& harness, const v1::LeaseNumberRequest& request) {
  Context context;
  v1::LeaseNumberResponse response;
  const grpc::Status status = harness.leases->LeaseNumber(&context, request, &response);
  return {status, response.lease()};
}

/// What a request sent and answered as bytes brought.
struct RawAnswer {
  grpc::Status status;
  std::string bytes;
};

/// Sends bytes to a method, "/package.Service/Method": for messages that are none, or not worth code.
inline RawAnswer call_raw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                          const std::string& bytes) {
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer in(&slice, 1);
  grpc::GenericStub stub(channel);
  Context context;
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareUnaryCall(&context, method, in, &queue);
  call->StartCall();
  grpc::ByteBuffer out;
  RawAnswer answer;
  call->Finish(&out, &answer.status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  REQUIRE(queue.Next(&tag, &ok));
  std::vector<grpc::Slice> slices;
  if (answer.status.ok()) REQUIRE(out.Dump(&slices).ok());
  for (const grpc::Slice& part : slices) {
    answer.bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
  }
  return answer;
}

/// Waits for what another thread brings about.
template <typename Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

/// The one ErrorInfo of an error; also checks that it is exactly one and agrees with the status.
inline google::rpc::ErrorInfo error_info(const grpc::Status& status) {
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(status.error_details()));
  CHECK(details.code() == static_cast<int>(status.error_code()));
  CHECK(details.message() == status.error_message());
  google::rpc::ErrorInfo info;
  int count = 0;
  for (const auto& any : details.details()) {
    if (any.UnpackTo(&info)) ++count;
  }
  CHECK(count == 1);
  CHECK(info.domain() == "ringtrace");
  return info;
}

/// How long the error says to wait; zero when it does not say.
inline std::chrono::milliseconds retry_delay(const grpc::Status& status) {
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(status.error_details()));
  google::rpc::RetryInfo retry;
  for (const auto& any : details.details()) {
    if (any.UnpackTo(&retry)) {
      return std::chrono::seconds(retry.retry_delay().seconds()) +
             std::chrono::milliseconds(retry.retry_delay().nanos() / 1'000'000);
    }
  }
  return {};
}

}  // namespace ringtrace::rpc::testing
