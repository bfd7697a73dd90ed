#pragma once

#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "gateway/aftermath.h"
#include "tests/temporary_directory.h"

namespace ringtrace::gateway {

using pool::StoreStatus;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// A store that answers everything with one status; releases when it is told to, if so wished.
struct AnsweringStore : pool::LeaseStore {
  StoreStatus status = StoreStatus::kDone;
  bool answers_releases = true;
  std::vector<Done> waiting;
  std::vector<pool::LeaseEnd> released;

  void lease(pool::LeaseRecord record, pool::Time, Done done) override {
    done({status, {}, record.expire, ""});
  }
  void renew(pool::LeaseRecord record, pool::Time, Done done) override {
    done({status, {}, record.expire, ""});
  }
  void release(pool::LeaseEnd end, pool::Time, Done done) override {
    released.push_back(end);
    if (!answers_releases) return waiting.push_back(std::move(done));
    done({status, {}, end.end, ""});
  }
  void expire(pool::LeaseEnd end, pool::Time, Done done) override { done({status, {}, end.end, ""}); }
};

struct SetClock : pool::Clock {
  explicit SetClock(pool::Time start) : time(start) {}
  pool::Time now() const override { return time; }
  pool::Time time;
};

inline const pool::Time kStart{hours(500'000)};

inline Config config_of(const test::TemporaryDirectory& directory,
                        pool::Durability durability = pool::Durability::kAvailable) {
  Config config;
  config.state_directory = directory.path().string();
  config.events.spool_bytes = 1 << 20;
  pool::PoolConfig pool;
  pool.name = pool::PoolName::cut("main");
  for (std::uint64_t i = 1; i <= 40; ++i)
    pool.numbers.push_back(*pool::Number::from_digits(12'025'550'100 + i));
  pool.fallback = *pool::Number::parse("+12025550100");
  pool.ttl = minutes(30);
  pool.hold = seconds(150);
  pool.durability = durability;
  config.pools.pools = {pool};
  config.pools.known_callers = 16;
  config.pools.attribute_bytes = 1 << 16;
  return config;
}

/// One life of a gateway's leases. `at` is when it begins.
struct Life {
  Life(const Config& config, pool::Time at)
      : clock(at),
        pools(std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(config.pools))),
        aftermath(config, store, *log),
        leasing(*pools, &aftermath.leases(), clock) {
    aftermath.begin(leasing);
  }

  pool::LeaseAnswer lease(const std::string& visit, StoreStatus status = StoreStatus::kDone,
                          std::optional<pool::Duration> ttl = std::nullopt) {
    // A store that acknowledges has come before.
    if (status == StoreStatus::kDone && !std::exchange(came, true)) aftermath.store_came();
    store.status = status;
    pool::LeaseAnswer given;
    leasing.lease({}, {visit, "", "google/cpc", ""}, ttl, pool::AdmissionClass::kNormal,
                  [&](const pool::LeaseAnswer& answer) { given = answer; });
    return given;
  }

  void renew(const std::string& visit, StoreStatus status) {
    store.status = status;
    leasing.renew({}, visit, std::nullopt, [](const pool::LeaseAnswer&) {});
  }

  void release(const std::string& visit, StoreStatus status) {
    store.status = status;
    leasing.release({}, visit, [](const pool::LeaseAnswer&) {});
  }

  pool::LeaseAnswer get(const std::string& visit) const { return leasing.get({}, visit); }
  bool holds(const std::string& visit) const { return get(visit).status == pool::LeaseStatus::kLeased; }

  bool came = false;
  std::ostringstream lines;
  std::unique_ptr<Log> log = Log::to_stream(lines, LogLevel::kInfo, 1024);
  AnsweringStore store;
  SetClock clock;
  std::unique_ptr<pool::NumberPools> pools;
  Aftermath aftermath;
  pool::Leasing leasing;
};

}  // namespace ringtrace::gateway
