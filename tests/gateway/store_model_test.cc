#include "tests/gateway/store_model.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/redis/store_fixture.h"

namespace ringtrace::gateway {
namespace {

using test::RedisServer;
using test::StoreClient;

std::string words(const pool::StoreReply& reply) {
  return std::to_string(static_cast<int>(reply.status)) + ' ' + reply.number.to_string() + ' ' +
         std::to_string(reply.expire.time_since_epoch().count());
}

/// A write in some state of some lease, in some order.
pool::StoreReply write(std::uint64_t kind, const pool::LeaseRecord& record, pool::Time at, pool::Time now,
                       StoreClient& client, StoreModel& model, pool::StoreReply& expected) {
  const pool::LeaseEnd end{record.pool, record.number, record.visit_id, at};
  switch (kind) {
    case 0:
    case 1:
      expected = model.lease(record, now);
      return client.lease(record, now);
    case 2:
      expected = model.renew(record, now);
      return client.renew(record, now);
    case 3:
      expected = model.release(end);
      return client.release(record.number, record.visit_id, at, now);
    default:
      expected = model.expire(end);
      return client.expire(record.number, record.visit_id, at, now);
  }
}

}  // namespace

TEST_CASE(
    "a real Redis answers random histories as the simulation's model does, and ends with the same books") {
  const RedisServer server;
  StoreClient client(server);
  std::map<std::uint64_t, int> statuses;
  pool::Time now = test::present();
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    std::mt19937_64 random(seed);
    server.command({"EVAL",
                    "for _, key in ipairs(redis.call('KEYS', 'rt:{main:0}:*')) do "
                    "if not string.find(key, 'owner') then redis.call('DEL', key) end end return 1",
                    "0"});
    StoreModel model;
    for (int step = 0; step < 40; ++step) {
      now += std::chrono::milliseconds(random() % 90'000);
      pool::LeaseRecord record = test::record_of(test::number(74'950'000'001 + random() % 3),
                                                 "visit-" + std::to_string(random() % 4), now,
                                                 now + std::chrono::milliseconds(1 + random() % 300'000));
      record.hold = std::chrono::seconds(random() % 2 == 0 ? 30 : 120);
      // A late end names an instant of the past.
      const pool::Time at = now - std::chrono::milliseconds(random() % 60'000);
      pool::StoreReply expected;
      const pool::StoreReply actual = write(random() % 5, record, at, now, client, model, expected);
      INFO("seed " << seed << ", step " << step);
      REQUIRE(words(actual) == words(expected));
      ++statuses[static_cast<std::uint64_t>(actual.status)];
    }
    const auto [result, loaded] = client.load();
    REQUIRE(loaded.size() == model.leases().size());
    for (const redis::LoadedLease& lease : loaded) {
      const StoreModel::Lease& known = model.leases().at(lease.number);
      CHECK(lease.visit_id == known.visit);
      CHECK(lease.start == known.start);
      CHECK(lease.expire == known.expire);
      CHECK(lease.ended == known.ended);
    }
  }
  // Each kind of answer was there: done, held by another, elsewhere, not held.
  CHECK(statuses.size() == 4);
}

}  // namespace ringtrace::gateway
