// Redis as people run it: with users, over TLS, behind Sentinel, as a Cluster.

#include "tests/redis/redis_topology.h"

#include <catch2/catch.hpp>

#include "proto/from_pool.h"
#include "redis/call_index.h"
#include "redis/call_log.h"
#include "redis/caller_erasure.h"
#include "redis/keys.h"
#include "tests/redis/keyspace.h"
#include "tests/redis/store_fixture.h"

namespace ringtrace::test {
namespace {

using redis::Claims;
using redis::Command;

/// A call goes through the log: its events are read and listed, and its caller is erased. What became of the
/// erasure, which asks for a rewrite too.
redis::CallerErased log_a_call(Client& client, redis::RedisCallLog& log) {
  const std::string caller = "+12025550190";
  for (const auto& [type, word] :
       {std::pair(v1::CALL_EVENT_TYPE_RINGING, "ringing"), std::pair(v1::CALL_EVENT_TYPE_ENDED, "ended")}) {
    v1::CallEvent event;
    event.set_event_id(std::string("c1-") + word);
    event.set_type(type);
    event.mutable_call()->set_call_id("c1");
    event.mutable_call()->set_caller(caller);
    *event.mutable_call()->mutable_start_time() = to_timestamp(present());
    REQUIRE(log.append(event));
  }
  REQUIRE(eventually([&] { return log.stats().queued == 0; }));
  Inbox<redis::CallLogPage> pages;
  log.read_after("", 10, [&](redis::CallLogPage page) { pages.put(std::move(page)); });
  const redis::CallLogPage page = pages.take();
  INFO(page.detail);
  REQUIRE(page.events.size() == 2);
  CHECK(page.events[1].call().caller() == caller);
  redis::RedisCallIndex index(client.connection());
  Inbox<redis::CallsFound> found;
  index.search({}, [&](redis::CallsFound calls) { found.put(std::move(calls)); });
  CHECK(found.take().calls.size() == 1);
  redis::RedisCallerErasure erasure(client.connection(), redis::CallerKey("key"));
  Inbox<redis::CallerErased> erased;
  erasure.erase(caller, true, [&](redis::CallerErased done) { erased.put(std::move(done)); });
  redis::CallerErased done = erased.take();
  CHECK(done.done);
  CHECK(done.calls == 1);
  return done;
}

redis::CallLogOptions log_options() {
  redis::CallLogOptions options;
  options.caller_key = redis::CallerKey("key");
  return options;
}

TEST_CASE("an ACL user that may do no more than the gateway does, and a database of its own") {
  RedisServer server;
  server.command({"ACL", "SETUSER", "ringtrace", "on", ">secret", "~rt:*", "+@all", "-@dangerous", "+info",
                  "+client", "+config|get", "+function", "+role"});
  auto options = Client::options_for(server.tcp_endpoint());
  options.user = "ringtrace";
  options.password = "secret";
  options.database = 3;
  StoreClient store(options);
  store.start_and_wait();
  const pool::Time now = present();
  CHECK(store.lease(record_of(kFirst, "v1", now, now + minutes(30)), now).status == StoreStatus::kDone);
  CHECK(store.load().first.leases == 1);
  CHECK(server.command({"EXISTS", redis::lease_key("main", kFirst)}).integer == 0);
  CHECK(server.command({"INFO", "keyspace"}).text.find("db3:") != std::string::npos);
  {
    Client client(options);
    redis::RedisCallLog log(client.connection(), log_options(), {});
    client.start_and_wait();
    const redis::CallerErased erased = log_a_call(client, log);
    CHECK_FALSE(erased.is_rewriting);
    CHECK(erased.detail.starts_with("NOPERM"));
    client.loop().stop();
  }

  options.password = "wrong";
  Client refused(options);
  refused.start();
  CHECK(refused.wait_for(false).reason.starts_with("AUTH refused: WRONGPASS"));
}

struct TlsServer {
  Certificate certificate;
  std::uint16_t port = free_port();
  RedisServer server{{"--tls-port", std::to_string(port), "--tls-cert-file", certificate.certificate_file(),
                      "--tls-key-file", certificate.key_file(), "--tls-ca-cert-file",
                      certificate.certificate_file()}};

  redis::ConnectionOptions options(const std::string& host = "127.0.0.1") const {
    auto options = Client::options_for({{}, host, port});
    options.tls = {true, certificate.certificate_file(), certificate.certificate_file(),
                   certificate.key_file()};
    return options;
  }
};

TEST_CASE_METHOD(TlsServer, "over TLS, with a certificate on both sides, leases are written and read") {
  StoreClient store(options());
  store.start_and_wait();
  const pool::Time now = present();
  for (unsigned i = 0; i < 300; ++i) {
    REQUIRE(
        store
            .lease(record_of(number(74'950'000'000U + i), "v" + std::to_string(i), now, now + minutes(30)),
                   now)
            .status == StoreStatus::kDone);
  }
  CHECK(store.load().first.leases == 300);
  // A long reply, in many records.
  CHECK(store.client.run(Command({"ECHO", std::string(1'000'000, 'x')})).reply.text.size() == 1'000'000);
}

TEST_CASE_METHOD(TlsServer, "a server that nobody vouches for, or with another name, is not spoken to") {
  auto wrong = options();
  SECTION("nobody vouches") { wrong.tls.ca_file.clear(); }
  SECTION("another name") { wrong = options("localhost"); }
  Client client(wrong);
  client.start();
  CHECK(client.wait_for(false).reason.starts_with("TLS: certificate verify failed"));
}

TEST_CASE_METHOD(TlsServer, "without a certificate of ours the server refuses") {
  auto bare = options();
  bare.tls.certificate_file.clear();
  bare.tls.key_file.clear();
  Client client(bare);
  client.start();
  CHECK_FALSE(client.wait_for(false).reason.empty());
}

struct Replicated {
  RedisServer first;
  RedisServer second{{"--replicaof", "127.0.0.1 " + std::to_string(first.tcp_endpoint().port)}};
  const pool::Time now = present();

  Replicated() {
    REQUIRE(eventually([this] { return in_sync(); }));
  }

  bool in_sync() const {
    return second.command({"INFO", "replication"}).text.find("master_link_status:up") != std::string::npos;
  }
  static redis::ConnectionOptions options_for(const RedisSentinel& sentinel) {
    auto options = Client::options_for({});
    const RedisServer nobody({}, RedisServer::Start::kLater);
    options.sentinel.sentinels = {nobody.tcp_endpoint(), {{}, "127.0.0.1", sentinel.tcp_endpoint().port}};
    options.sentinel.master = "leases";
    options.sentinel.poll = milliseconds(50);
    return options;
  }
  static bool knows_replica(const RedisSentinel& sentinel) {
    return sentinel.command({"SENTINEL", "REPLICAS", "leases"}).elements.size() == 1;
  }
  static redis::ClaimOptions claim() {
    auto claim = claim_of("gateway");
    claim.fails_over = true;
    return claim;
  }
  pool::LeaseRecord record(Number which, const std::string& visit) const {
    return record_of(which, visit, now, now + minutes(30));
  }
};

TEST_CASE_METHOD(Replicated,
                 "behind Sentinel the replica of a dead master is found, and what it lacks is noticed") {
  const RedisSentinel sentinel(first);
  REQUIRE(eventually([&] { return knows_replica(sentinel); }));
  StoreClient store(options_for(sentinel), claim());
  store.start_and_wait();
  REQUIRE(store.lease(record(kFirst, "v1"), now).status == StoreStatus::kDone);
  REQUIRE(eventually([&] {
    return second.command({"EXISTS", redis::lease_key("main", kFirst)}).integer == 1;
  }));
  // The replica hears nothing more.
  second.pause();
  first.command({"CLIENT", "KILL", "TYPE", "replica"});
  REQUIRE(store.lease(record(kSecond, "v2"), now).status == StoreStatus::kDone);
  first.kill();
  second.resume();

  store.wait_for(Claims::State::kOurs);
  redis::Claim claim;
  while (!claim.again || claim.memory.pool != "main") claim = store.claimed.take();
  CHECK(claim.loss == redis::Loss::kCertain);
  CHECK(claim.reason == "Redis is behind what it had acknowledged");
  CHECK(store.lease(record(kSecond, "v1"), now).number == kFirst);
  CHECK(store.lease(record(kSecond, "v2"), now).status == StoreStatus::kDone);
  CHECK(second.command({"HLEN", redis::lease_key("main", kSecond)}).integer == 2);
}

TEST_CASE_METHOD(Replicated, "a master that was replaced while it lives on is left") {
  const RedisSentinel sentinel(first);
  REQUIRE(eventually([&] { return knows_replica(sentinel); }));
  StoreClient store(options_for(sentinel), claim());
  store.start_and_wait();
  REQUIRE(eventually([&] { return sentinel.command({"SENTINEL", "FAILOVER", "leases"}).is("OK"); }));
  store.wait_for(Claims::State::kOurs);
  CHECK(store.lease(record(kFirst, "v1"), now).status == StoreStatus::kDone);
  CHECK(second.command({"EXISTS", redis::lease_key("main", kFirst)}).integer == 1);
}

TEST_CASE_METHOD(Replicated,
                 "with WAIT a lease is done when the replica has it, and in doubt when it does not answer") {
  redis::LeaseStoreOptions waiting;
  waiting.replicas = 1;
  StoreClient store(first, waiting);
  CHECK(store.lease(record(kFirst, "v1"), now).status == StoreStatus::kDone);
  CHECK(second.command({"EXISTS", redis::lease_key("main", kFirst)}).integer == 1);
  second.pause();
  const StoreReply doubtful = store.lease(record(kSecond, "v2"), now);
  CHECK(doubtful.status == StoreStatus::kInDoubt);
  CHECK(doubtful.detail == "too few replicas have it");
  second.resume();
  REQUIRE(eventually([this] { return in_sync(); }));
  CHECK(eventually([&] { return store.lease(record(kSecond, "v2"), now).status == StoreStatus::kDone; }));
}

TEST_CASE("sentinels that do not know the master, are said to be so") {
  RedisServer server;
  const RedisSentinel sentinel(server);
  auto options = Replicated::options_for(sentinel);
  options.sentinel.master = "other";
  Client client(options);
  client.start();
  CHECK(client.wait_for(false).reason.find("an answer that does not help") != std::string::npos);
}

struct Clustered {
  RedisCluster cluster;
  const pool::Time now = present();

  redis::ConnectionOptions options() const {
    auto options = Client::options_for({});
    const RedisServer nobody({}, RedisServer::Start::kLater);
    options.cluster = {nobody.tcp_endpoint(), cluster.endpoint(1)};
    return options;
  }
  static pool::LeaseRecord in_pool(pool::LeaseRecord record, const std::string& pool) {
    record.pool = pool;
    return record;
  }
  pool::LeaseRecord record(Number which, const std::string& visit) const {
    return record_of(which, visit, now, now + minutes(30));
  }
};

TEST_CASE_METHOD(Clustered, "in a cluster each pool and the events lie on the node of their slot") {
  auto claim = claim_of("gateway");
  claim.pools = {"main", "main2", "main3", "main4", "main5", "main6", "main7", "main8"};
  StoreClient store(options(), claim);
  store.start_and_wait();
  std::set<std::size_t> used;
  for (const std::string& pool : claim.pools) {
    CHECK(store.lease(in_pool(record(kFirst, "v1"), pool), now).status == StoreStatus::kDone);
    const std::string key = redis::lease_key(pool, kFirst);
    used.insert(cluster.owner_of(key));
    CHECK(cluster.node(cluster.owner_of(key)).command({"EXISTS", key}).integer == 1);
  }
  CHECK(used.size() == RedisCluster::kNodes);
  CHECK(store.load().first.leases == 1);
  CHECK(store.client.connection().stats().connects == RedisCluster::kNodes);
  CHECK(store.client.run(Command({"XLEN", redis::kEventsKey})).reply.integer == 0);
}

TEST_CASE_METHOD(Clustered, "in a cluster calls are logged, listed and erased on one node") {
  Client client(options());
  redis::RedisCallLog log(client.connection(), log_options(), {});
  client.start_and_wait();
  CHECK(log_a_call(client, log).is_rewriting);
  for (std::size_t i = 0; i < RedisCluster::kNodes; ++i) {
    const std::string held = keyspace_of(cluster.node(i));
    CHECK(names(held, "c1") == (cluster.owner_of("rt:{calls}:events") == i));
    CHECK_FALSE(names(held, "12025550190"));
  }
  client.loop().stop();
}

TEST_CASE_METHOD(Clustered, "a slot that moves is followed, while it moves and after") {
  StoreClient store(options());
  store.start_and_wait();
  REQUIRE(store.lease(record(kFirst, "v1"), now).status == StoreStatus::kDone);
  const std::string key = redis::lease_key("main", kFirst);
  const std::size_t from = cluster.owner_of(key);
  const std::size_t to = (from + 1) % RedisCluster::kNodes;

  cluster.begin_move(key, to);
  const std::string missing = "rt:{main:0}:not-there";
  CHECK(cluster.node(from).command({"HGET", missing, "x"}).is_error("ASK"));
  CHECK(store.client.run(Command({"HSET", missing, "x", "1"})).reply.integer == 1);
  CHECK(store.client.run(Command({"HGET", missing, "x"})).reply.is("1"));

  cluster.finish_move(key, from, to);
  REQUIRE(cluster.owner_of(key) == to);
  CHECK(store.lease(record(kSecond, "v2"), now).status == StoreStatus::kDone);
  CHECK(cluster.node(to).command({"HLEN", key}).integer == 2);
  CHECK(store.load().first.leases == 2);
}

TEST_CASE_METHOD(Clustered, "a cluster that lacks a master is away, and back with it") {
  StoreClient store(options());
  store.start_and_wait();
  const std::size_t owner = cluster.owner_of(redis::lease_key("main", kFirst));
  cluster.node(owner).kill();
  CHECK_FALSE(store.client.wait_for(false).reason.empty());
  CHECK(store.lease(record(kFirst, "v1"), now).status == StoreStatus::kUnavailable);
  cluster.node(owner).start();
  store.wait_for(Claims::State::kOurs);
  CHECK(eventually([&] { return store.lease(record(kFirst, "v1"), now).status == StoreStatus::kDone; }));
}

}  // namespace
}  // namespace ringtrace::test
