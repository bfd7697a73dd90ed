#include "redis/lease_store.h"

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <filesystem>

#include "redis/keys.h"
#include "tests/redis/store_fixture.h"

namespace ringtrace::test {
namespace {

std::string attributes_of(const std::string& source) {
  v1::VisitAttributes attributes;
  attributes.set_utm_source(source);
  return attributes.SerializeAsString();
}

TEST_CASE("what was acknowledged is loaded again after kill -9 of Redis") {
  RedisServer server;
  const pool::Time now = present();
  auto first = record_of(kFirst, "visit 1", now, now + minutes(30));
  first.attributes = attributes_of("google");
  {
    // Gone before Redis is back: it would claim the pools against the one that comes after it.
    StoreClient before(server);
    REQUIRE(before.lease(first, now).status == StoreStatus::kDone);
    REQUIRE(before.lease(record_of(kSecond, "v2", now, now + minutes(40)), now).status == StoreStatus::kDone);
    REQUIRE(before.release(kSecond, "v2", now + seconds(5), now + seconds(5)).status == StoreStatus::kDone);
  }
  server.kill();
  server.start();

  StoreClient after(server);
  const auto [result, leases] = after.load();
  CHECK(result.status == StoreStatus::kDone);
  CHECK(result.leases == 2);
  REQUIRE(leases.size() == 2);
  CHECK(leases[0].number == kSecond);
  CHECK(leases[0].ended == now + seconds(5));
  CHECK(leases[0].attributes.empty());
  CHECK(leases[1].number == kFirst);
  CHECK(leases[1].visit_id == "visit 1");
  CHECK(leases[1].visitor_id == "browser of visit 1");
  CHECK(leases[1].source == "my ads/cpc");
  CHECK(leases[1].attributes == attributes_of("google"));
  CHECK(leases[1].start == now);
  CHECK(leases[1].expire == now + minutes(30));
  CHECK_FALSE(leases[1].ended);
  CHECK(leases[1].hold == minutes(5));
  // The visit is still known, too.
  CHECK(after.lease(record_of(kSecond, "visit 1", now, now + minutes(30)), now).number == kFirst);
}

TEST_CASE("thousands of leases over many blocks are loaded once each, and other pools' are not") {
  RedisServer server;
  StoreClient store(server);
  const pool::Time now = present();
  constexpr unsigned kCount = 5'000;
  Inbox<StoreStatus> done;
  for (unsigned i = 0; i < kCount; ++i) {
    auto record =
        record_of(number(70'000'000'000U + i * 5'000ULL), "v" + std::to_string(i), now, now + seconds(i + 1));
    store.store.lease(std::move(record), now, [&](const StoreReply& reply) { done.put(reply.status); });
  }
  for (unsigned i = 0; i < kCount; ++i) REQUIRE(done.take() == StoreStatus::kDone);
  auto other = record_of(kFirst, "v1", now, now + minutes(1));
  other.pool = "main2";
  REQUIRE(store.lease(other, now).status == StoreStatus::kDone);
  // Pipelined, not one by one.
  const auto stats = store.client.connection().stats();
  CHECK(stats.writes < stats.commands);

  const auto [result, leases] = store.load();
  CHECK(result.leases == kCount);
  REQUIRE(leases.size() == kCount);
  for (unsigned i = 0; i < kCount; ++i) CHECK(leases[i].visit_id == "v" + std::to_string(i));
}

TEST_CASE("an empty store loads nothing, and an unreadable entry is counted and left alone") {
  RedisServer server;
  StoreClient store(server);
  CHECK(store.load().first.status == StoreStatus::kDone);
  const std::string key = redis::lease_key("main", kFirst);
  server.command({"HSET", key, redis::field_of(kFirst), "garbage", "x", "1 2 4 s v visit"});
  server.command({"SADD", redis::blocks_key("main"), key.substr(key.rfind(':') + 1)});
  const auto [result, leases] = store.load();
  CHECK(result.status == StoreStatus::kDone);
  CHECK(result.unreadable == 2);
  CHECK(leases.empty());
  CHECK(server.command({"HLEN", key}).integer == 2);
}

TEST_CASE("attributes are replaced with the number's next visit and kept for the same one") {
  RedisServer server;
  StoreClient store(server);
  const pool::Time now = present();
  auto record = record_of(kFirst, "v1", now, now + minutes(1));
  record.attributes = attributes_of("google");
  store.lease(record, now);
  CHECK(server.command({"HGET", redis::attributes_key("main", kFirst), "00001"}).text ==
        R"({"utm_source":"google"})");
  store.lease(record_of(kFirst, "v1", now, now + minutes(1)), now);
  CHECK(store.load().second.at(0).attributes == attributes_of("google"));
  store.lease(record_of(kFirst, "v2", now, now + minutes(20)), now + minutes(10));
  CHECK(store.load().second.at(0).attributes.empty());
}

TEST_CASE("without a connection a write is kUnavailable at once, and so is a load") {
  RedisServer server({}, RedisServer::Start::kLater);
  StoreClient store(Client::options_for(server.unix_endpoint()));
  const pool::Time now = present();
  bool answered = false;
  store.store.lease(record_of(kFirst, "v1", now, now), now, [&](const StoreReply& reply) {
    answered = true;
    CHECK(reply.status == StoreStatus::kUnavailable);
  });
  CHECK(answered);
  CHECK(store.load().first.status == StoreStatus::kUnavailable);

  SECTION("and when Redis appears, it is written") {
    store.client.start();
    CHECK_FALSE(store.client.states.take().ready);
    server.start();
    store.wait_for(redis::Claims::State::kOurs);
    CHECK(store.lease(record_of(kFirst, "v1", now, now + minutes(1)), now).status == StoreStatus::kDone);
  }
}

TEST_CASE("a write to a Redis that stands still is in doubt, and may be sent again") {
  RedisServer server;
  auto options = Client::options_for(server.unix_endpoint());
  options.command_timeout = milliseconds(200);
  StoreClient store(options);
  store.start_and_wait();
  const pool::Time now = present();
  const auto record = record_of(kFirst, "v1", now, now + minutes(30));

  server.pause();
  const StoreReply doubtful = store.lease(record, now);
  CHECK(doubtful.status == StoreStatus::kInDoubt);
  CHECK(store.client.wait_for(false).reason == "no reply within 200 ms");
  CHECK(store.lease(record, now).status == StoreStatus::kUnavailable);
  CHECK(store.client.connection().stats().timeouts >= 1);

  server.resume();
  store.wait_until_back();
  CHECK(store.lease(record, now).status == StoreStatus::kDone);
  CHECK(store.load().second.size() == 1);
}

TEST_CASE("what comes while a write is under way gathers, until it is enough for a call of its own") {
  RedisServer server;
  StoreClient store(server);
  const pool::Time now = present();
  Inbox<StoreReply> replies;
  std::uint64_t next = kFirst.digits();
  const auto lease_some = [&](int count) {
    for (int i = 0; i < count; ++i, ++next) {
      store.store.lease(record_of(number(next), "v" + std::to_string(next), now, now + minutes(30)), now,
                        [&replies](const StoreReply& reply) { replies.put(reply); });
    }
    Inbox<bool> turned;  // what was posted before is done
    boost::asio::post(store.client.loop().io(), [&turned] { turned.put(true); });
    turned.take();
    const redis::ConnectionStats stats = store.client.connection().stats();
    return stats.waiting + stats.in_flight;
  };

  server.pause();
  CHECK(lease_some(1) == 1);
  CHECK(lease_some(31) == 1);
  CHECK(lease_some(1) == 2);
  CHECK(store.store.outstanding() == 33);

  server.resume();
  for (std::uint64_t i = 0; i < 33; ++i) CHECK(replies.take().status == StoreStatus::kDone);
  CHECK(store.load().second.size() == 33);
  CHECK(store.store.outstanding() == 0);
}

TEST_CASE("a write whose question to the replicas finds no room is in doubt") {
  RedisServer server;
  auto options = Client::options_for(server.unix_endpoint());
  options.max_commands = 2;
  auto claim = claim_of("gateway");
  claim.pools = {"main"};
  redis::LeaseStoreOptions waiting;
  waiting.replicas = 1;
  StoreClient store(options, claim, waiting);
  store.start_and_wait();
  const pool::Time now = present();

  server.pause();
  store.client.connection().execute(redis::Command({"PING"}), [](const redis::Answer&) {});
  Inbox<StoreReply> replies;
  store.store.lease(record_of(kFirst, "v1", now, now + minutes(30)), now,
                    [&replies](const StoreReply& reply) { replies.put(reply); });
  server.resume();
  const StoreReply doubtful = replies.take();
  CHECK(doubtful.status == StoreStatus::kInDoubt);
  CHECK(doubtful.detail == "too few replicas have it");
  CHECK(server.command({"HEXISTS", redis::lease_key("main", kFirst), "00001"}).as_integer() == 1);
}

TEST_CASE("a full Redis refuses leases and still shows what it has") {
  RedisServer server;
  StoreClient store(server);
  const pool::Time now = present();
  REQUIRE(store.lease(record_of(kFirst, "v1", now, now + minutes(30)), now).status == StoreStatus::kDone);
  server.command({"CONFIG", "SET", "maxmemory", "1mb"});

  const StoreReply refused = store.lease(record_of(kSecond, "v2", now, now + minutes(30)), now);
  CHECK(refused.status == StoreStatus::kRefused);
  CHECK(refused.detail.starts_with("OOM"));
  CHECK(store.load().second.size() == 1);

  server.command({"CONFIG", "SET", "maxmemory", "0"});
  CHECK(store.lease(record_of(kSecond, "v2", now, now + minutes(30)), now).status == StoreStatus::kDone);
}

TEST_CASE("a Redis that takes no writes refuses leases, and takes them when that is over") {
  RedisServer server;
  StoreClient store(server);
  const pool::Time now = present();
  const auto lease = [&] { return store.lease(record_of(kFirst, "v1", now, now + minutes(30)), now); };
  SECTION("read-only") {
    server.command({"REPLICAOF", "127.0.0.1", std::to_string(free_port())});
    const StoreReply refused = lease();
    CHECK(refused.status == StoreStatus::kRefused);
    CHECK(refused.detail.starts_with("READONLY"));
    server.command({"REPLICAOF", "NO", "ONE"});
  }
  SECTION("not persisting") {
    // A snapshot cannot take the name of a directory.
    std::filesystem::create_directory(server.directory() / "dump.rdb");
    server.command({"CONFIG", "SET", "save", "3600 1000000"});
    server.command({"BGSAVE"});
    const auto fails = [&] {
      return server.command({"INFO", "persistence"}).text.find("rdb_last_bgsave_status:err") !=
             std::string::npos;
    };
    REQUIRE(eventually(fails));
    const StoreReply refused = lease();
    CHECK(refused.status == StoreStatus::kRefused);
    CHECK(refused.detail.starts_with("MISCONF"));
    server.command({"CONFIG", "SET", "save", ""});
  }
  CHECK(lease().status == StoreStatus::kDone);
}

TEST_CASE("a Redis that is loading is waited for, and has then what it had") {
  // So slow that it does not end by itself in this test, and answers after each key.
  RedisServer server({"--key-load-delay", "100000", "--loading-process-events-interval-bytes", "1024",
                      "--rdbcompression", "no"});
  const pool::Time now = present();
  const auto record = record_of(kFirst, "v1", now, now + minutes(30));
  {
    StoreClient before(server);
    REQUIRE(before.lease(record, now).status == StoreStatus::kDone);
  }
  server.command({"EVAL", "for i = 1, 1000 do redis.call('SET', i, string.rep('x', 2000)) end", "0"});
  server.command({"BGREWRITEAOF"});
  const auto rewritten = [&] {
    const std::string info = server.command({"INFO", "persistence"}).text;
    return info.find("aof_rewrite_in_progress:0") != std::string::npos &&
           info.find("aof_rewrite_scheduled:0") != std::string::npos;
  };
  REQUIRE(eventually(rewritten));
  server.kill();
  server.start(RedisServer::Until::kLoading);

  StoreClient store(Client::options_for(server.unix_endpoint()));
  store.client.start();
  CHECK(store.client.wait_for(false).reason.find("LOADING") != std::string::npos);
  CHECK(store.lease(record, now).status == StoreStatus::kUnavailable);
  REQUIRE(server.command({"CONFIG", "SET", "key-load-delay", "0"}).is("OK"));
  store.wait_for(redis::Claims::State::kOurs);
  CHECK(store.load().first.leases == 1);
  CHECK(store.lease(record_of(kSecond, "v1", now, now + minutes(30)), now).number == kFirst);
}

TEST_CASE("a connection lost in the middle of a load ends the load once") {
  RedisServer server;
  StoreClient store(server);
  server.pause();
  Inbox<redis::LoadResult> results;
  store.store.load(
      "main", [](auto) {}, [&](const redis::LoadResult& result) { results.put(result); });
  REQUIRE(eventually([&] { return store.client.connection().stats().in_flight > 0; }));
  server.kill();
  CHECK(results.take().status == StoreStatus::kUnavailable);
  CHECK(results.size() == 0);
}

}  // namespace
}  // namespace ringtrace::test
