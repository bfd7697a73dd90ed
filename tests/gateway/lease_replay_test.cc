#include "gateway/lease_replay.h"

#include <catch2/catch.hpp>
#include <sstream>

namespace ringtrace::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

/// Counts what it is asked for, and refuses all of it or none.
struct CountingStore : pool::LeaseStore {
  bool refuses = true;
  int leases = 0;

  void lease(pool::LeaseRecord record, pool::Time, Done done) override {
    ++leases;
    done({refuses ? pool::StoreStatus::kUnavailable : pool::StoreStatus::kDone, {}, record.expire, ""});
  }
  void renew(pool::LeaseRecord, pool::Time, Done done) override { done({}); }
  void release(pool::LeaseEnd, pool::Time, Done done) override { done({}); }
  void expire(pool::LeaseEnd, pool::Time, Done done) override { done({}); }
};

struct StillClock : pool::Clock {
  pool::Time now() const override { return pool::Time(std::chrono::hours(500'000)); }
};

pool::PoolsConfig pools_config() {
  pool::PoolConfig pool;
  pool.name = pool::PoolName::cut("main");
  pool.numbers = {*pool::Number::from_digits(12'025'550'101)};
  pool.fallback = *pool::Number::from_digits(12'025'550'100);
  pool.ttl = minutes(30);
  pool::PoolsConfig config;
  config.pools = {pool};
  config.known_callers = 16;
  config.attribute_bytes = 1 << 16;
  return config;
}

TEST_CASE("a store that came back is told at once what it refused while it was away") {
  std::ostringstream lines;
  const auto log = Log::to_stream(lines, LogLevel::kError, 16);
  const auto pools = std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(pools_config()));
  CountingStore store;
  const StillClock clock;
  pool::Leasing leasing(*pools, &store, clock);
  LeaseReplay replay(leasing, *log);
  leasing.lease({}, {"visit", "", "", ""}, std::nullopt, pool::AdmissionClass::kNormal,
                [](const pool::LeaseAnswer&) {});
  LeaseReplay::Instant now{};
  replay.store_came();
  for (int i = 0; i < 4; ++i) replay.tick(now += milliseconds(250));
  const int refused = store.leases;
  for (int i = 0; i < 4; ++i) replay.tick(now += milliseconds(250));
  REQUIRE(store.leases == refused);  // who keeps refusing is asked seldom

  store.refuses = false;
  replay.store_came();
  replay.tick(now += milliseconds(250));
  CHECK(store.leases == refused + 1);
  replay.tick(now += milliseconds(250));
  CHECK(replay.is_done());
}

}  // namespace
}  // namespace ringtrace::gateway
