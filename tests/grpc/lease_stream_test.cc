#include "grpc/lease_stream.h"

#include <catch2/catch.hpp>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "pool/answer_round.h"
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

  /// Asks for the visits v-FIRST to v-LAST in one message; their tags are their numbers.
  bool ask_many(std::uint64_t first, std::uint64_t last, const std::string& pool = "pools/main") {
    v1::LeaseNumbersRequest request;
    for (std::uint64_t tag = first; tag <= last; ++tag) {
      v1::LeaseNumbersAsk& ask = *request.add_asks();
      ask.set_tag(tag);
      ask.mutable_request()->set_parent(pool);
      ask.mutable_request()->mutable_visit()->set_visit_id("v-" + std::to_string(tag));
    }
    return stream_->Write(request);
  }

  bool send(const v1::LeaseNumbersRequest& request) { return stream_->Write(request); }

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

TEST_CASE("many asks of one message are answered in few, each with its tag and a number of its own") {
  constexpr std::uint64_t kVisits = 100;
  StubStore store;
  Harness harness(&store, {}, pool_of(kVisits));
  Leases leases(harness);
  leases.ask_many(1, kVisits);
  leases.close_own_side();
  std::set<std::uint64_t> tags;
  std::set<std::string> numbers;
  std::size_t messages = 0;
  for (v1::LeaseNumbersResponse answer = leases.next(); answer.results_size() > 0; answer = leases.next()) {
    ++messages;
    CHECK(answer.result_case() == v1::LeaseNumbersResponse::RESULT_NOT_SET);
    for (const v1::LeaseNumbersResult& result : answer.results()) {
      REQUIRE(result.has_lease());
      CHECK(result.lease().visit().visit_id() == "v-" + std::to_string(result.tag()));
      tags.insert(result.tag());
      numbers.insert(result.lease().number());
    }
  }
  CHECK(tags.size() == kVisits);
  CHECK(numbers.size() == kVisits);
  // The store answers at once, so all of the message is ready when the first answer can be sent.
  CHECK(messages == 1);
  CHECK(leases.finish().ok());
}

TEST_CASE("answers that the store gives in one round come in one message") {
  constexpr std::uint64_t kVisits = 100;
  StubStore store;
  store.hold_back(true);
  Harness harness(&store, {}, pool_of(kVisits));
  Leases leases(harness);
  leases.ask_many(1, kVisits);
  REQUIRE(eventually([&] { return store.waiting() == kVisits; }));
  {
    const pool::AnswerRound round;
    store.release_waiting();
  }
  CHECK(leases.next().results_size() == kVisits);
  leases.close_own_side();
  CHECK(leases.finish().ok());
}

TEST_CASE("one ask of a message that is refused says why and leaves the others alone") {
  StubStore store;
  Harness harness(&store);
  Leases leases(harness);
  v1::LeaseNumbersRequest request;
  for (const char* const pool : {"pools/main", "pools/none", "pools/main"}) {
    v1::LeaseNumbersAsk& ask = *request.add_asks();
    ask.set_tag(static_cast<std::uint64_t>(request.asks_size()));
    ask.mutable_request()->set_parent(pool);
    ask.mutable_request()->mutable_visit()->set_visit_id("v-" + std::to_string(request.asks_size()));
  }
  leases.send(request);
  const v1::LeaseNumbersResponse answer = leases.next();
  REQUIRE(answer.results_size() == 3);
  CHECK(answer.results(0).has_lease());
  CHECK(answer.results(1).tag() == 2);
  CHECK(answer.results(1).error().reason() == "POOL_NOT_FOUND");
  CHECK(answer.results(2).has_lease());
  CHECK(answer.results(0).lease().number() != answer.results(2).lease().number());
}

TEST_CASE("asks and a single request of one stream are each answered in their own form") {
  StubStore store;
  store.hold_back(true);
  Harness harness(&store, {}, pool_of(10));
  Leases leases(harness);
  leases.ask_many(1, 2);
  leases.ask(3, "v-3");
  leases.ask_many(4, 5);
  REQUIRE(eventually([&] { return store.waiting() == 5; }));
  store.release_waiting();
  leases.close_own_side();
  std::set<std::uint64_t> alone, together;
  for (v1::LeaseNumbersResponse answer = leases.next(); answer.has_lease() || answer.results_size() > 0;
       answer = leases.next()) {
    CHECK_FALSE((answer.has_lease() && answer.results_size() > 0));
    if (answer.has_lease()) alone.insert(answer.tag());
    for (const v1::LeaseNumbersResult& result : answer.results()) together.insert(result.tag());
  }
  CHECK(alone == std::set<std::uint64_t>{3});
  CHECK(together == std::set<std::uint64_t>{1, 2, 4, 5});
}

TEST_CASE("a message with asks and a request too is refused, ask by ask") {
  Harness harness;
  Leases leases(harness);
  v1::LeaseNumbersRequest request;
  request.mutable_request()->set_parent("pools/main");
  request.add_asks()->set_tag(1);
  leases.send(request);
  const v1::LeaseNumbersResponse answer = leases.next();
  REQUIRE(answer.results_size() == 1);
  CHECK(answer.results(0).tag() == 1);
  CHECK(answer.results(0).error().reason() == "FIELD_MALFORMED");
}

TEST_CASE("of a message with more asks than may be under way the rest waits, and all are answered") {
  constexpr std::uint64_t kVisits = 2 * kMaxLeasesUnderWay + 100;
  StubStore store;
  store.hold_back(true);
  Harness harness(&store, {}, pool_of(kVisits));
  Leases leases(harness);
  leases.ask_many(1, kVisits);
  leases.close_own_side();
  CHECK(eventually([&] { return store.waiting() == kMaxLeasesUnderWay; }));
  std::thread answering([&] {
    CHECK(eventually([&] {
      store.release_waiting();
      return harness.pools->totals(pool::PoolIndex{0}).leases == kVisits;
    }));
  });
  std::set<std::string> numbers;
  for (v1::LeaseNumbersResponse answer = leases.next(); answer.results_size() > 0; answer = leases.next()) {
    for (const v1::LeaseNumbersResult& result : answer.results()) numbers.insert(result.lease().number());
  }
  answering.join();
  CHECK(numbers.size() == kVisits);
  CHECK(store.most_waiting() <= kMaxLeasesUnderWay);
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
  bool all_answered = false;
  std::thread answering([&] {
    all_answered = eventually([&] {
      store.release_waiting();
      return harness.pools->totals(pool::PoolIndex{0}).leases == kVisits;
    });
  });
  std::uint64_t leased = 0;
  while (leased < kVisits && leases.next().has_lease()) ++leased;
  answering.join();
  asking.join();
  CHECK(all_answered);
  CHECK(leased == kVisits);
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
