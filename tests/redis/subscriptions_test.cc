#include "redis/subscriptions.h"

#include <catch2/catch.hpp>

#include "redis/call_log.h"
#include "tests/redis/redis_server.h"
#include "tests/redis/support.h"

namespace ringtrace::test {
namespace {

using redis::SubscriptionPlace;
using Status = SubscriptionPlace::Status;

/// A log of some events, and the subscriptions of it.
struct SubscriptionClient {
  explicit SubscriptionClient(const RedisServer& server)
      : client(Client::options_for(server.unix_endpoint())),
        log(client.connection(), {}, {}),
        subscriptions(client.connection()) {
    client.start_and_wait();
  }
  ~SubscriptionClient() { client.loop().stop(); }

  /// Appends an event; its cursor.
  std::string append(const std::string& call) {
    v1::CallEvent event;
    event.set_event_id(call + "-ringing");
    event.set_type(v1::CALL_EVENT_TYPE_RINGING);
    event.mutable_call()->set_call_id(call);
    REQUIRE(log.append(event));
    REQUIRE(eventually([this] { return log.stats().queued == 0; }));
    Inbox<std::optional<std::string>> cursors;
    log.latest_cursor([&](std::optional<std::string> cursor) { cursors.put(std::move(cursor)); });
    return cursors.take().value();
  }

  SubscriptionPlace open(const std::string& name) {
    Inbox<SubscriptionPlace> places;
    subscriptions.open(name, [&](SubscriptionPlace place) { places.put(std::move(place)); });
    return places.take();
  }

  void acknowledge(const std::string& name, const std::string& cursor) {
    subscriptions.acknowledge(name, cursor);
    REQUIRE(eventually([this] { return subscriptions.waiting() == 0; }));
  }

  Client client;
  redis::RedisCallLog log;
  redis::RedisSubscriptions subscriptions;
};

}  // namespace

TEST_CASE("a subscription keeps its place beyond its streams, the gateway and Redis") {
  RedisServer server;
  std::string first;
  std::string second;
  {
    SubscriptionClient client(server);
    first = client.append("a");
    second = client.append("b");
    CHECK(client.open("crm").status == Status::kKnown);
    CHECK(client.open("crm").cursor.empty());
    client.acknowledge("crm", first);
    CHECK(client.open("crm").cursor == first);
  }
  server.kill();
  server.start();
  SubscriptionClient client(server);
  CHECK(client.open("crm").cursor == first);
  client.acknowledge("crm", second);
  CHECK(client.open("crm").cursor == second);
  CHECK(client.open("other").cursor.empty());
}

TEST_CASE("a place never moves back, nor beyond the log, nor to what is no cursor") {
  RedisServer server;
  SubscriptionClient client(server);
  const std::string first = client.append("a");
  const std::string second = client.append("b");
  client.open("crm");
  client.acknowledge("crm", second);
  for (const std::string& cursor : {first, std::string("99999999999999-0"), std::string("nonsense")}) {
    client.acknowledge("crm", cursor);
    CHECK(client.open("crm").cursor == second);
  }
}

TEST_CASE("an acknowledgement made while Redis is away counts at once and is written when it is back") {
  RedisServer server;
  SubscriptionClient client(server);
  const std::string first = client.append("a");
  const std::string second = client.append("b");
  client.open("crm");
  server.kill();
  client.client.wait_for(false);
  client.subscriptions.acknowledge("crm", second);
  client.subscriptions.acknowledge("crm", first);
  CHECK(client.subscriptions.waiting() == 1);
  CHECK(client.open("crm").status == Status::kUnavailable);
  server.start();
  client.client.wait_for(true);
  CHECK(client.open("crm").cursor == second);
  CHECK(eventually([&] { return client.subscriptions.waiting() == 0; }));
  SubscriptionClient other(server);
  CHECK(other.open("crm").cursor == second);
}

TEST_CASE("a new name finds room only where another has not been used for long") {
  RedisServer server;
  SubscriptionClient client(server);
  const auto fill = [&](const std::string& touched) {
    return client.client.run(redis::Command(
        {"EVAL", "for i = 1, 10000 do redis.call('HSET', KEYS[1], 'n' .. i, '5-0 ' .. ARGV[1]) end", "1",
         "rt:{calls}:subscriptions", touched}));
  };
  fill("99999999999999");
  CHECK(client.open("crm").status == Status::kTooMany);
  CHECK(client.open("n7").cursor == "5-0");
  fill("0");
  CHECK(client.open("crm").status == Status::kKnown);
}

}  // namespace ringtrace::test
