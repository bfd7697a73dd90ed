#include "grpc/pool_watch.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/grpc/harness.h"

namespace ringtrace::rpc::testing {
namespace {

/// One open watch of a client.
class Watch {
 public:
  explicit Watch(Harness& harness, const std::string& pool = "")
      : Watch(harness, pool.empty() ? std::vector<std::string>() : std::vector{pool}) {}

  Watch(Harness& harness, const std::vector<std::string>& pools) {
    v1::WatchPoolsRequest request;
    for (const std::string& pool : pools) request.add_names(pool);
    stream_ = harness.pool_service->WatchPools(&context_, request);
  }

  /// The next pool's state; one without a name at the end.
  v1::Pool next() {
    v1::WatchPoolsResponse response;
    return stream_->Read(&response) ? response.pool() : v1::Pool();
  }

  void cancel() { context_.TryCancel(); }
  grpc::Status finish() { return stream_->Finish(); }

 private:
  Context context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchPoolsResponse>> stream_;
};

void lend(Harness& harness, const std::string& visit) {
  harness.leasing.lease(pool::PoolIndex{0}, {visit, "", "direct", ""}, std::nullopt,
                        pool::AdmissionClass::kNormal, [](const pool::LeaseAnswer&) {});
}

ServerConfig looking_every(std::chrono::milliseconds interval) {
  ServerConfig config;
  config.pool_watch_interval = interval;
  return config;
}

}  // namespace

TEST_CASE("a watch tells every pool as it stands, then those that change") {
  Harness harness(nullptr, looking_every(std::chrono::milliseconds(5)));
  Watch watch(harness);
  CHECK(std::set{watch.next().name(), watch.next().name()} ==
        std::set<std::string>{"pools/main", "pools/strict"});
  lend(harness, "v-1");
  v1::Pool changed = watch.next();
  CHECK(changed.name() == "pools/main");
  CHECK(changed.capacity().leased_count() == 1);
  lend(harness, "v-2");
  CHECK(watch.next().capacity().leased_count() == 2);
}

TEST_CASE("between two looks a watch tells nothing, whatever changes") {
  Harness harness(nullptr, looking_every(std::chrono::hours(1)));
  Watch watch(harness, "pools/main");
  CHECK(watch.next().capacity().leased_count() == 0);
  lend(harness, "v-1");
  // A watch that opens now sees the change; the first one has been told nothing by then, nor at its end.
  CHECK(Watch(harness, "pools/main").next().capacity().leased_count() == 1);
  watch.cancel();
  CHECK(watch.next().name().empty());
}

TEST_CASE("time alone is no change") {
  Harness harness(nullptr, looking_every(std::chrono::milliseconds(1)));
  Watch watch(harness, "pools/main");
  CHECK(watch.next().capacity().leased_count() == 0);
  harness.clock.advance(std::chrono::minutes(1));
  lend(harness, "v-1");
  CHECK(watch.next().capacity().leased_count() == 1);
}

TEST_CASE("a watch of an unknown pool is refused, and one that is open ends when the gateway stops") {
  Harness harness;
  Watch unknown(harness, "pools/none");
  const grpc::Status refused = unknown.finish();
  CHECK(refused.error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(error_info(refused).reason() == "POOL_NOT_FOUND");

  Watch watch(harness, "pools/main");
  CHECK(watch.next().name() == "pools/main");
  harness.server.stop(std::chrono::seconds(20));
  CHECK(watch.next().name().empty());
  const grpc::Status ended = watch.finish();
  CHECK(ended.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(error_info(ended).reason() == "DRAINING");
}

TEST_CASE("a name in a request to watch that is none is told by its place") {
  Harness harness;
  const auto field_of = [&](const std::vector<std::string>& names) {
    const grpc::Status status = Watch(harness, names).finish();
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    return error_info(status).metadata().at("field");
  };
  CHECK(field_of({"main"}) == "names[1]");
  CHECK(field_of({"pools/strict", "pools/main", ""}) == "names[3]");
  CHECK(field_of(std::vector<std::string>(1001, "pools/main")) == "names");
}

TEST_CASE("a client that goes leaves no watch behind") {
  Harness harness;
  {
    Watch watch(harness);
    CHECK_FALSE(watch.next().name().empty());
    CHECK(harness.server.statistics().streams_open == 1);
    watch.cancel();
  }
  CHECK(eventually([&] { return harness.server.statistics().streams_open == 0; }));
}

}  // namespace ringtrace::rpc::testing
