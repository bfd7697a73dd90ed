// What goes into the log of call events, and how it comes there.

#include <catch2/catch.hpp>

#include "tests/redis/call_log_client.h"

namespace ringtrace::test {

TEST_CASE("an event appended twice is in the log once, also from two gateways") {
  RedisServer server;
  LogClient one(server);
  LogClient two(server);
  for (LogClient* client : {&one, &two}) {
    client->log.append(ringing("c1"));
    client->log.append(ringing("c1"));
    client->log.append(ended("c1"));
    REQUIRE(client->settled());
  }
  CHECK(one.ids() == Ids{"c1-ringing", "c1-ended"});
}

TEST_CASE("what is no event is refused, or left out where only its record shows it, and stops nothing") {
  RedisServer server;
  LogClient client(server);
  CHECK_FALSE(client.log.append("no event"));
  // Its ids can be read; behind them a field says that it is longer than the event.
  const std::string broken = ringing("c1").SerializeAsString() + "\x32\x7f";
  CHECK(client.log.append(broken));
  client.log.append(ringing("c2"));
  REQUIRE(client.settled());
  CHECK(client.ids() == Ids{"c2-ringing"});
  CHECK(client.log.stats().refused == 2);
  CHECK(client.log.stats().queued_bytes == 0);
}

TEST_CASE("after a call's end nothing but a better attribution follows") {
  RedisServer server;
  LogClient client(server);
  auto better = event_of("c1", v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED, "attribution_updated-1");
  for (const auto& event : {ringing("c1"), ended("c1"), answered("c1"), better}) client.log.append(event);
  REQUIRE(client.settled());
  CHECK(client.ids() == Ids{"c1-ringing", "c1-ended", "c1-attribution_updated-1"});
  CHECK(client.log.stats().late == 1);
  CHECK(server.command({"HLEN", "rt:{calls}:open"}).integer == 0);
}

TEST_CASE("events made while Redis is away are written in order when it comes") {
  RedisServer server({}, RedisServer::Start::kLater);
  LogClient client(Client::options_for(server.unix_endpoint()));
  client.client.start();
  Ids expected;
  for (int i = 0; i < 500; ++i) {
    const std::string call = "c" + std::to_string(i);
    REQUIRE(client.log.append(ringing(call)));
    expected.push_back(call + "-ringing");
  }
  CHECK(client.read("").status == Status::kUnavailable);
  CHECK(client.latest() == std::nullopt);
  CHECK(client.log.stats().queued == 500);
  server.start();
  client.client.wait_for(true);
  REQUIRE(client.settled());
  CHECK(client.ids() == expected);
  CHECK(client.log.stats().queued_bytes == 0);
}

TEST_CASE("no event is lost or doubled when Redis is killed and paused under load") {
  RedisServer server;
  auto connection = Client::options_for(server.unix_endpoint());
  connection.command_timeout = milliseconds(100);
  LogClient client(connection);
  client.client.start_and_wait();
  Ids expected;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 300; ++i) {
      const std::string call = "c" + std::to_string(round) + "-" + std::to_string(i);
      REQUIRE(client.log.append(ringing(call)));
      expected.push_back(call + "-ringing");
    }
    if (round % 2 == 0) {
      server.kill();
      server.start();
    } else {
      const auto before = client.client.connection().stats().timeouts;
      server.pause();
      client.log.append(ringing("p" + std::to_string(round)));
      expected.push_back("p" + std::to_string(round) + "-ringing");
      REQUIRE(eventually([&] {
        const auto stats = client.client.connection().stats();
        return stats.timeouts > before || !stats.ready;
      }));
      server.resume();
    }
  }
  REQUIRE(client.settled());
  Ids found;
  for (std::string cursor;;) {
    const CallLogPage page = client.read(cursor, 100);
    if (page.status != Status::kDone) continue;
    if (page.events.empty()) break;
    for (const auto& event : page.events) found.push_back(event.event_id());
    cursor = page.next;
  }
  CHECK(found == expected);
}

TEST_CASE("at its limit the queue refuses the newest event and counts it") {
  RedisServer server({}, RedisServer::Start::kLater);
  redis::CallLogOptions options;
  options.max_queued = 3;
  LogClient client(Client::options_for(server.unix_endpoint()), options);
  for (const char* call : {"c1", "c2", "c3"}) CHECK(client.log.append(ringing(call)));
  CHECK_FALSE(client.log.append(ringing("c4")));
  CHECK_FALSE(client.log.close_open_call({"c1", "", kStart}));
  CHECK(client.log.stats().refused == 2);
  server.start();
  client.client.start_and_wait();
  REQUIRE(client.settled());
  CHECK(client.ids() == Ids{"c1-ringing", "c2-ringing", "c3-ringing"});
}

TEST_CASE("an event too large, or without ids, is refused") {
  RedisServer server;
  LogClient client(server);
  v1::CallEvent large = ringing("c1");
  large.mutable_call()->set_caller(std::string(300'000, '7'));
  CHECK_FALSE(client.log.append(large));
  CHECK_FALSE(client.log.append(v1::CallEvent()));
  CHECK_FALSE(client.log.append(ringing(std::string(200, 'c'))));
  CHECK(client.log.stats().refused == 3);
}

TEST_CASE("a full Redis holds events back until it has room") {
  RedisServer server;
  redis::CallLogOptions options;
  options.retry = milliseconds(10);
  LogClient client(server, options);
  server.command({"CONFIG", "SET", "maxmemory", "1mb"});
  client.log.append(ringing("c1"));
  REQUIRE(eventually([&] { return client.log.stats().retries >= 3; }));
  client.log.append(ended("c1"));
  server.command({"CONFIG", "SET", "maxmemory", "0"});
  REQUIRE(client.settled());
  CHECK(client.ids() == Ids{"c1-ringing", "c1-ended"});
}

}  // namespace ringtrace::test
