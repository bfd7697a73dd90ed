#include "redis/claims.h"

#include <catch2/catch.hpp>

#include "redis/keys.h"
#include "tests/redis/store_fixture.h"

namespace ringtrace::test {
namespace {

using redis::Claim;
using redis::Claims;
using redis::Loss;

const std::string kOwner = redis::owner_key("main");

struct Fixture {
  RedisServer server;
  const pool::Time now = present();

  std::unique_ptr<StoreClient> gateway(const std::string& name, milliseconds length = seconds(30),
                                       std::vector<redis::ClaimMemory> memories = {}) const {
    auto claim = claim_of(name, length);
    claim.pools = {"main"};
    claim.memories = std::move(memories);
    auto client = std::make_unique<StoreClient>(Client::options_for(server.unix_endpoint()), claim);
    client->client.start_and_wait();
    return client;
  }
  std::string owner(const std::string& field) const { return server.command({"HGET", kOwner, field}).text; }
  pool::LeaseRecord record(const std::string& visit) const {
    return record_of(kFirst, visit, now, now + minutes(30));
  }
  /// As if so much time had passed that the claim is over.
  void let_claim_run_out() const { server.command({"HSET", kOwner, "until", "0"}); }
};

TEST_CASE_METHOD(Fixture, "the first gateway gets the pool, and a name and a time stand beside its token") {
  const auto one = gateway("gateway-1");
  one->wait_for(Claims::State::kOurs);
  CHECK(owner("name") == "gateway-1");
  CHECK(owner("token").starts_with("1-"));
  const Claim claim = one->claimed.take();
  CHECK(claim.memory.counter == 1);
  CHECK(claim.loss == Loss::kNone);
  CHECK(one->lease(record("v1"), now).status == StoreStatus::kDone);
  CHECK(owner("writes") == "1");
}

TEST_CASE_METHOD(Fixture, "a second gateway is refused and lends nothing, from memory neither") {
  const auto one = gateway("gateway-1");
  one->wait_for(Claims::State::kOurs);
  const auto two = gateway("gateway-2");
  two->wait_for(Claims::State::kTheirs);
  CHECK(two->claims.owner().starts_with("pool main is leased by gateway-1 since 20"));
  const StoreReply reply = two->lease(record("v2"), now);
  CHECK(reply.status == StoreStatus::kHeldByOther);
  CHECK(reply.detail == two->claims.owner());
  CHECK(one->lease(record("v1"), now).status == StoreStatus::kDone);

  SECTION("until the first one gives the pool up") {
    one->client.loop().stop();
    one->claims.give_up();
    let_claim_run_out();
    two->wait_for(Claims::State::kOurs);
    CHECK(owner("token").starts_with("2-"));
    CHECK(two->lease(record("v2"), now).status == StoreStatus::kHeldByOther);
    CHECK(two->lease(record("v1"), now).status == StoreStatus::kDone);
  }
}

TEST_CASE_METHOD(Fixture, "a claim is extended as long as its owner lives") {
  const auto one = gateway("gateway-1", milliseconds(300));
  one->wait_for(Claims::State::kOurs);
  const std::string first = owner("until");
  CHECK(eventually([&] { return std::stoll(owner("until")) > std::stoll(first) + 400; }));
  CHECK(owner("token").starts_with("1-"));
  CHECK(one->claims.state() == Claims::State::kOurs);
}

TEST_CASE_METHOD(Fixture,
                 "a late owner's write is refused by its token, and it learns that it lost the pool") {
  const auto one = gateway("gateway-1");
  one->wait_for(Claims::State::kOurs);
  let_claim_run_out();
  const auto two = gateway("gateway-2");
  two->wait_for(Claims::State::kOurs);

  // It has not heard of it, and its claim is good by its own clock.
  CHECK(one->claims.state() == Claims::State::kOurs);
  CHECK(one->lease(record("v1"), now).status == StoreStatus::kHeldByOther);
  CHECK(server.command({"EXISTS", redis::lease_key("main", kFirst)}).integer == 0);
  one->wait_for(Claims::State::kLost);
  CHECK(one->claims.owner().starts_with("pool main is leased by gateway-2 since 20"));
  CHECK(two->lease(record("v2"), now).status == StoreStatus::kDone);
  // For good, also when the other one ends.
  let_claim_run_out();
  CHECK(one->renew(record("v2"), now).status == StoreStatus::kHeldByOther);
  CHECK(one->release(kFirst, "v2", now, now).status == StoreStatus::kHeldByOther);
  CHECK(one->expire(kFirst, "v2", now + minutes(40), now).status == StoreStatus::kHeldByOther);
  CHECK(two->renew(record("v2"), now).status == StoreStatus::kDone);
}

TEST_CASE_METHOD(
    Fixture, "who was away while another gateway had the pool and gave it up is over, and hands it back") {
  const auto one = gateway("gateway-1");
  one->wait_for(Claims::State::kOurs);
  // As another gateway leaves it that has come and gone.
  server.command({"HSET", kOwner, "token", "2-another", "name", "gateway-2", "until", "0"});
  one->client.connection().reset("cut");
  one->wait_for(Claims::State::kLost);
  CHECK(one->claims.owner() == "pool main was leased by another gateway meanwhile");
  CHECK(one->lease(record("v1"), now).status == StoreStatus::kHeldByOther);
  CHECK(eventually([&] { return owner("until") <= std::to_string(present().time_since_epoch().count()); }));
  const auto next = gateway("gateway-1");
  next->wait_for(Claims::State::kOurs);
}

TEST_CASE_METHOD(Fixture, "a restarted gateway need not wait for the claim of its dead process") {
  {
    const auto killed = gateway("gateway-1");
    killed->wait_for(Claims::State::kOurs);
  }
  const auto restarted = gateway("gateway-1");
  restarted->wait_for(Claims::State::kOurs);
  CHECK(owner("token").starts_with("2-"));
  CHECK(restarted->states.size() == 0);
}

TEST_CASE_METHOD(Fixture, "a process of the same name is no reason to take over while it lives") {
  const auto one = gateway("gateway-1");
  one->wait_for(Claims::State::kOurs);
  const auto two = gateway("gateway-1");
  two->wait_for(Claims::State::kTheirs);
  CHECK(owner("token").starts_with("1-"));
}

TEST_CASE_METHOD(Fixture, "an owner keeps its token over a lost connection") {
  const auto one = gateway("gateway-1");
  one->wait_for(Claims::State::kOurs);
  server.kill();
  one->client.wait_for(false);
  server.start();
  one->wait_for(Claims::State::kOurs);
  CHECK(owner("token").starts_with("1-"));
  CHECK(one->claimed.take().again == false);
  const Claim again = one->claimed.take();
  CHECK(again.again);
  CHECK(again.loss == Loss::kNone);
  CHECK(one->lease(record("v1"), now).status == StoreStatus::kDone);
}

TEST_CASE_METHOD(Fixture,
                 "a Redis that came back empty is claimed with a higher token, and the loss is told") {
  const auto one = gateway("gateway-1");
  one->wait_for(Claims::State::kOurs);
  server.command({"FLUSHALL"});
  CHECK(one->lease(record("v1"), now).status == StoreStatus::kUnavailable);
  one->wait_for(Claims::State::kOurs);
  CHECK(owner("token").starts_with("2-"));
  one->claimed.take();
  const Claim again = one->claimed.take();
  CHECK(again.loss == Loss::kCertain);
  CHECK(again.reason == "Redis knows nothing of this pool any more");
  CHECK(one->lease(record("v1"), now).status == StoreStatus::kDone);
}

TEST_CASE_METHOD(Fixture,
                 "a Redis with older books is noticed by the writes it lacks, also by a later process") {
  auto one = gateway("gateway-1");
  one->wait_for(Claims::State::kOurs);
  REQUIRE(one->lease(record("v1"), now).status == StoreStatus::kDone);
  const auto books = server.directory() / "appendonlydir";
  server.kill();
  const auto copy = server.directory() / "older";
  std::filesystem::copy(books, copy, std::filesystem::copy_options::recursive);
  server.start();
  one->wait_for(Claims::State::kOurs);
  REQUIRE(one->renew(record("v1"), now).status == StoreStatus::kDone);
  const auto memories = one->claims.memories();
  CHECK(memories.at(0).writes == 2);
  const auto bring_older_back = [&] {
    server.kill();
    std::filesystem::remove_all(books);
    std::filesystem::copy(copy, books, std::filesystem::copy_options::recursive);
    server.start();
  };

  SECTION("by the process that wrote") {
    one->claimed.take();
    one->claimed.take();
    bring_older_back();
    one->wait_for(Claims::State::kOurs);
    const Claim again = one->claimed.take();
    CHECK(again.again);
    CHECK(again.loss == Loss::kCertain);
    CHECK(again.reason == "Redis is behind what it had acknowledged");
  }
  SECTION("by the next one") {
    one.reset();
    bring_older_back();
    const auto next = gateway("gateway-1", seconds(30), memories);
    next->wait_for(Claims::State::kOurs);
    const Claim claim = next->claimed.take();
    CHECK_FALSE(claim.again);
    CHECK(claim.loss == Loss::kCertain);
    // Higher than all that were ever given, whatever the books say.
    CHECK(claim.memory.counter == memories[0].counter + 1);
  }
}

TEST_CASE_METHOD(Fixture, "what is written as soon as Redis is back does not hide what it has forgotten") {
  auto options = claim_of("gateway-1");
  options.pools = {"main"};
  StoreClient one(Client::options_for(server.unix_endpoint()), options);
  Inbox<StoreStatus> hasty;
  one.client.connection().on_state([&](bool ready, const std::string&) {
    if (!ready) return;
    // Before the claim's answer; as many writes as Redis is about to lack.
    one.store.lease(record_of(kSecond, "v2", now, now + minutes(30)), now,
                    [&](const StoreReply& reply) { hasty.put(reply.status); });
  });
  one.start_and_wait();
  one.claimed.take();
  hasty.take();
  const auto books = server.directory() / "appendonlydir";
  const auto copy = server.directory() / "older";
  server.kill();
  std::filesystem::copy(books, copy, std::filesystem::copy_options::recursive);
  server.start();
  one.wait_for(Claims::State::kOurs);
  one.claimed.take();
  hasty.take();
  while (one.claims.memories().at(0).writes < 1) one.lease(record("v1"), now);
  server.kill();
  std::filesystem::remove_all(books);
  std::filesystem::copy(copy, books, std::filesystem::copy_options::recursive);
  server.start();
  one.wait_for(Claims::State::kOurs);
  CHECK(hasty.take() == StoreStatus::kUnavailable);
  CHECK(one.claimed.take().loss == Loss::kCertain);
}

TEST_CASE_METHOD(Fixture, "a token lower than what was seen is never given again") {
  const auto one = gateway("gateway-1", seconds(30), {{"main", 41, 0}});
  one->wait_for(Claims::State::kOurs);
  CHECK(owner("token").starts_with("42-"));
}

TEST_CASE("whether a restart of Redis may have lost leases follows from its settings") {
  const auto restarted = [](const std::string& appendfsync, bool fails_over) {
    RedisServer server({"--appendfsync", appendfsync});
    const auto claimed = [&] {
      auto options = claim_of("gateway-1");
      options.pools = {"main"};
      options.fails_over = fails_over;
      StoreClient store(Client::options_for(server.unix_endpoint()), options);
      store.start_and_wait();
      return store.claimed.take();
    };
    CHECK(claimed().loss == Loss::kNone);
    CHECK(claimed().loss == Loss::kNone);
    server.kill();
    server.start();
    return claimed().loss;
  };
  CHECK(restarted("always", false) == Loss::kNone);
  CHECK(restarted("always", true) == Loss::kPossible);
  CHECK(restarted("everysec", false) == Loss::kPossible);
}

}  // namespace
}  // namespace ringtrace::test
