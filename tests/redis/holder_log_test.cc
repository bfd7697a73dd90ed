#include "redis/holder_log.h"

#include <catch2/catch.hpp>

#include "redis/keys.h"
#include "redis/lease_text.h"
#include "tests/redis/store_fixture.h"

namespace ringtrace::test {
namespace {

using redis::Holder;
using redis::HolderPage;

struct Fixture {
  static redis::LeaseStoreOptions kept_for(milliseconds retention) { return {retention}; }

  explicit Fixture(milliseconds retention = std::chrono::hours(24 * 7))
      : store(server, kept_for(retention)) {}

  std::vector<Holder> holders(pool::Time at, std::size_t most = redis::HolderLog::kMost) {
    Inbox<HolderPage> pages;
    log.holders("main", kFirst, at, most, [&](HolderPage page) { pages.put(std::move(page)); });
    const HolderPage page = pages.take();
    CHECK(page.status == HolderPage::Status::kDone);
    return page.holders;
  }

  /// Lends the number for ten minutes, with a hold of five.
  void lend(const std::string& visit, pool::Time start) {
    REQUIRE(store.lease(record_of(kFirst, visit, start, start + minutes(10)), start).status ==
            StoreStatus::kDone);
  }

  RedisServer server;
  StoreClient store;
  redis::HolderLog log{store.client.connection()};
  const pool::Time now = present();
};

std::vector<std::string> visits(const std::vector<Holder>& holders) {
  std::vector<std::string> names;
  for (const Holder& holder : holders) names.push_back(holder.visit_id);
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE_METHOD(Fixture, "every visit that was shown a number is found, the latest first") {
  CHECK(holders(now).empty());
  lend("visit 1", now);
  REQUIRE(store.release(kFirst, "visit 1", now + minutes(1), now + minutes(1)).status == StoreStatus::kDone);
  lend("v2", now + minutes(6));
  lend("v3", now + minutes(30));

  const std::vector<Holder> all = holders(now + minutes(31));
  REQUIRE(visits(all) == Names{"v3", "v2", "visit 1"});
  CHECK(all[0].stands);
  CHECK(all[0].end == now + minutes(40));
  // Never released: it ended by its time.
  CHECK_FALSE(all[1].stands);
  CHECK(all[1].shown == now + minutes(6));
  CHECK(all[1].end == now + minutes(16));
  CHECK(all[2].shown == now);
  CHECK(all[2].end == now + minutes(1));
  CHECK(all[2].source == "my ads/cpc");
  CHECK(all[2].visitor_id == "browser of visit 1");
  CHECK(holders(now + minutes(31), 2).size() == 2);
}

TEST_CASE_METHOD(Fixture, "what the present holder's visit brought comes with it, and with no other") {
  v1::VisitAttributes attributes;
  attributes.set_utm_source("google");
  auto record = record_of(kFirst, "v1", now, now + minutes(10));
  record.attributes = attributes.SerializeAsString();
  REQUIRE(store.lease(record, now).status == StoreStatus::kDone);
  REQUIRE(holders(now).size() == 1);
  CHECK(redis::attributes_from_json(holders(now)[0].attributes_json) == record.attributes);
  CHECK(holders(now - minutes(1)).empty());

  lend("v2", now + minutes(30));
  const std::vector<Holder> both = holders(now + minutes(31));
  REQUIRE(visits(both) == Names{"v2", "v1"});
  CHECK(both[0].attributes_json.empty());
  CHECK(both[1].attributes_json.empty());
}

TEST_CASE_METHOD(Fixture, "who was shown the number after the call is not asked for") {
  lend("v1", now);
  lend("v2", now + minutes(20));
  lend("v3", now + minutes(40));
  CHECK(visits(holders(now + minutes(39))) == Names{"v2", "v1"});
  CHECK(visits(holders(now + minutes(20))) == Names{"v2", "v1"});
  CHECK(visits(holders(now + minutes(20) - milliseconds(1))) == Names{"v1"});
  CHECK(holders(now - milliseconds(1)).empty());
}

TEST_CASE_METHOD(Fixture,
                 "a visit that gets its number back in the hold is one holder; after the hold it is two") {
  lend("v1", now);
  store.release(kFirst, "v1", now + minutes(1), now + minutes(1));
  lend("v1", now + minutes(3));
  CHECK(visits(holders(now + minutes(4))) == Names{"v1"});
  lend("v1", now + minutes(60));
  CHECK(visits(holders(now + minutes(61))) == Names{"v1", "v1"});
}

TEST_CASE_METHOD(Fixture, "a write that is sent again puts nothing into the log twice") {
  lend("v1", now);
  lend("v2", now + minutes(20));
  lend("v2", now + minutes(20));
  // Sent again so late that it is over by now.
  const auto late = record_of(kFirst, "v2", now + minutes(20), now + minutes(30));
  store.lease(late, now + minutes(60));
  CHECK(visits(holders(now + minutes(61))) == Names{"v2", "v1"});
}

TEST_CASE_METHOD(Fixture, "a holder in the middle of many is found in one answer") {
  constexpr int kHolders = 600;
  for (int i = 0; i < kHolders; ++i) lend("v" + std::to_string(i), now + minutes(15 * i));
  const auto commands = store.client.connection().stats().commands;
  const std::vector<Holder> found = holders(now + minutes(15 * 300), 3);
  CHECK(visits(found) == Names{"v300", "v299", "v298"});
  CHECK(store.client.connection().stats().commands == commands + 1);
}

TEST_CASE("holders are forgotten after the retention, each by its end") {
  Fixture fixture(std::chrono::hours(1));
  const pool::Time now = fixture.now;
  for (int i = 0; i < 20; ++i) fixture.lend("v" + std::to_string(i), now + minutes(15 * i));
  // The last one began at 285 min; kept are those that ended at 225 min or later.
  CHECK(visits(fixture.holders(now + minutes(300))) == Names{"v19", "v18", "v17", "v16", "v15"});
  const auto left = fixture.server.command({"PTTL", redis::holders_key("main", kFirst)}).integer;
  CHECK(left > milliseconds(minutes(285 + 59)).count());
  CHECK(left < milliseconds(minutes(285 + 121)).count());
}

TEST_CASE("an answer that does not come is kUnavailable") {
  RedisServer server({}, RedisServer::Start::kLater);
  Client client(Client::options_for(server.unix_endpoint()));
  const redis::HolderLog log(client.connection());
  Inbox<HolderPage> pages;
  log.holders("main", kFirst, present(), 1, [&](HolderPage page) { pages.put(std::move(page)); });
  const HolderPage page = pages.take();
  CHECK(page.status == HolderPage::Status::kUnavailable);
  CHECK(page.detail == "not connected");
}

}  // namespace
}  // namespace ringtrace::test
