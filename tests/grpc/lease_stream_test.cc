#include "grpc/lease_stream.h"

#include <catch2/catch.hpp>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

/// Pool "main" with as many numbers.
pool::PoolsConfig pool_of(std::uint64_t numbers) {
  pool::PoolsConfig config = two_pools();
  for (std::uint64_t i = 0; i < numbers; ++i) config.pools[0].numbers.push_back(number(74950100000 + i));
  return config;
}

/// One open LeaseNumbers stream of a client.
class Leases {
 public:
  explicit Leases(Harness& harness) : stream_(harness.leases->LeaseNumbers(&context_)) {}

  bool ask(std::uint64_t tag, const std::string& visit, const std::string& pool = "pools/main") {
    v1::LeaseNumbersRequest request;
    request.set_tag(tag);
    request.mutable_request()->set_parent(pool);
    request.mutable_request()->mutable_visit()->set_visit_id(visit);
    return stream_->Write(request);
  }

  /// The next answer; one without a result at the end of the stream.
  v1::LeaseNumbersResponse next() {
    v1::LeaseNumbersResponse response;
    return stream_->Read(&response) ? response : v1::LeaseNumbersResponse();
  }

  void close_own_side() { stream_->WritesDone(); }
  void cancel() { context_.TryCancel(); }
  grpc::Status finish() { return stream_->Finish(); }

 private:
  Context context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::LeaseNumbersRequest, v1::LeaseNumbersResponse>> stream_;
};

}  // namespace

TEST_CASE("many visits lease over one stream, each answered once and with a number of its own") {
  constexpr std::uint64_t kVisits = 500;
  StubStore store;
  Harness harness(&store, {}, pool_of(kVisits));
  Leases leases(harness);
  std::thread asking([&] {
    for (std::uint64_t tag = 1; tag <= kVisits; ++tag) leases.ask(tag, "v-" + std::to_string(tag));
    leases.close_own_side();
  });
  std::set<std::uint64_t> tags;
  std::set<std::string> numbers;
  for (std::uint64_t i = 0; i < kVisits; ++i) {
    const v1::LeaseNumbersResponse answer = leases.next();
    REQUIRE(answer.has_lease());
    CHECK(answer.lease().visit().visit_id() == "v-" + std::to_string(answer.tag()));
    CHECK(answer.lease().durable());
    tags.insert(answer.tag());
    numbers.insert(answer.lease().number());
  }
  asking.join();
  CHECK(tags.size() == kVisits);
  CHECK(numbers.size() == kVisits);
  CHECK(leases.finish().ok());
}

TEST_CASE("a request of a stream that is refused says why and leaves the others alone") {
  StubStore store;
  Harness harness(&store);
  Leases leases(harness);
  leases.ask(7, "v-1", "pools/none");
  const v1::LeaseNumbersResponse unknown = leases.next();
  CHECK(unknown.tag() == 7);
  CHECK(unknown.error().code() == grpc::StatusCode::NOT_FOUND);
  CHECK(unknown.error().reason() == "POOL_NOT_FOUND");
  CHECK(unknown.error().metadata().at("pool") == "none");
  CHECK_FALSE(unknown.error().has_retry_delay());

  store.answer(pool::StoreStatus::kUnavailable);
  leases.ask(8, "v-2", "pools/strict");
  const v1::LeaseNumbersResponse away = leases.next();
  CHECK(away.error().reason() == "STORE_UNAVAILABLE");
  CHECK(away.error().retry_delay().seconds() == 1);
  leases.ask(9, "v-3");
  CHECK(leases.next().lease().number().substr(0, 5) == "+7495");
  leases.close_own_side();
  CHECK(leases.finish().ok());
}

TEST_CASE("a stream is read no further than the requests that may be under way") {
  constexpr std::uint64_t kVisits = 2 * kMaxLeasesUnderWay;
  StubStore store;
  store.hold_back(true);
  Harness harness(&store, {}, pool_of(kVisits));
  Leases leases(harness);
  std::thread asking([&] {
    for (std::uint64_t tag = 1; tag <= kVisits; ++tag) leases.ask(tag, "v-" + std::to_string(tag));
    leases.close_own_side();
  });
  CHECK(eventually([&] { return store.waiting() == kMaxLeasesUnderWay; }));
  std::thread answering([&] {
    CHECK(eventually([&] {
      store.release_waiting();
      return harness.pools->totals(pool::PoolIndex{0}).leases == kVisits;
    }));
  });
  for (std::uint64_t i = 0; i < kVisits; ++i) REQUIRE(leases.next().has_lease());
  answering.join();
  asking.join();
  CHECK(store.most_waiting() <= kMaxLeasesUnderWay);
  CHECK(leases.finish().ok());
}

TEST_CASE("a gateway that drains answers what it has read, then ends the stream for a retry") {
  StubStore store;
  store.hold_back(true);
  Harness harness(&store);
  Leases leases(harness);
  leases.ask(1, "v-1");
  REQUIRE(eventually([&] { return store.waiting() == 1; }));
  auto stopped = std::async(std::launch::async, [&] { harness.server.stop(std::chrono::seconds(20)); });
  // Draining has begun when a new stream is refused.
  REQUIRE(eventually([&] { return !Leases(harness).finish().ok(); }));
  store.release_waiting();
  CHECK(leases.next().has_lease());
  CHECK_FALSE(leases.next().has_lease());
  const grpc::Status status = leases.finish();
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(error_info(status).reason() == "DRAINING");
  stopped.get();
}

TEST_CASE("a client that goes while its requests are under way leaves no stream behind") {
  StubStore store;
  store.hold_back(true);
  Harness harness(&store);
  {
    Leases leases(harness);
    leases.ask(1, "v-1");
    REQUIRE(eventually([&] { return store.waiting() == 1; }));
    CHECK(harness.server.statistics().streams_open == 1);
    leases.cancel();
    CHECK(leases.finish().error_code() == grpc::StatusCode::CANCELLED);
  }
  CHECK(eventually([&] { return harness.server.statistics().streams_open == 0; }));
  store.release_waiting();  // the answer has nowhere to go
  CHECK(harness.pools->totals(pool::PoolIndex{0}).leases == 1);
}

}  // namespace ringtrace::rpc::testing
