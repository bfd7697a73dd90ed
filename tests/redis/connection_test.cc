#include "redis/connection.h"

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include "tests/redis/fake_server.h"
#include "tests/redis/redis_server.h"
#include "tests/redis/support.h"

namespace ringtrace::test {
namespace {

using redis::Answer;
using redis::Command;
using redis::Outcome;
using std::chrono::milliseconds;

TEST_CASE("a command gets its reply over a unix socket and over TCP") {
  RedisServer server;
  for (const auto& endpoint : {server.unix_endpoint(), server.tcp_endpoint()}) {
    Client client(Client::options_for(endpoint));
    client.start_and_wait();
    const Answer answer = client.run(Command({"ECHO", "hello"}));
    CHECK(answer.outcome == Outcome::kReplied);
    CHECK(answer.reply.is("hello"));
    CHECK(client.run(Command({"NO-SUCH"})).reply.is_error("ERR unknown command"));
  }
}

TEST_CASE("replies come in the order of the commands, from several threads") {
  RedisServer server;
  Client client(Client::options_for(server.unix_endpoint()));
  client.start_and_wait();
  constexpr int kEach = 2'000;
  std::array<Inbox<std::string>, 3> replies;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < replies.size(); ++t) {
    threads.emplace_back([&client, &inbox = replies[t]] {
      for (int i = 0; i < kEach; ++i) {
        client.connection().execute(Command({"ECHO", std::to_string(i)}),
                                    [&inbox](const Answer& answer) { inbox.put(answer.reply.text); });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& inbox : replies) {
    for (int i = 0; i < kEach; ++i) REQUIRE(inbox.take() == std::to_string(i));
  }
  const auto stats = client.connection().stats();
  CHECK(stats.waiting == 0);
  CHECK(stats.in_flight == 0);
  CHECK(stats.waiting_bytes == 0);
  CHECK(stats.replies == stats.commands);
}

TEST_CASE("all commands of one turn of the loop leave in one write") {
  RedisServer server;
  Client client(Client::options_for(server.unix_endpoint()));
  client.start_and_wait();
  const auto before = client.connection().stats();
  Inbox<int> replies;
  boost::asio::post(client.loop().io(), [&] {
    for (int i = 0; i < 100; ++i) {
      client.connection().execute(Command({"PING"}), [&](const Answer&) { replies.put(1); });
    }
  });
  for (int i = 0; i < 100; ++i) replies.take();
  CHECK(client.connection().stats().writes == before.writes + 1);
  CHECK(client.connection().stats().commands == before.commands + 100);
}

TEST_CASE("the queue is bounded by commands and by bytes") {
  RedisServer server;
  auto options = Client::options_for(server.unix_endpoint());
  options.max_commands = 10;
  options.max_bytes = 10'000;
  Client client(options);
  client.start_and_wait();
  server.pause();
  Inbox<Outcome> outcomes;
  const auto send = [&](const std::string& text) {
    client.connection().execute(Command({"ECHO", text}), [&](const Answer& a) { outcomes.put(a.outcome); });
  };
  SECTION("the command too many is turned away from inside the call") {
    for (int i = 0; i < 10; ++i) send("x");
    CHECK(outcomes.size() == 0);
    send("x");
    CHECK(outcomes.take() == Outcome::kUnavailable);
    server.resume();
    for (int i = 0; i < 10; ++i) CHECK(outcomes.take() == Outcome::kReplied);
  }
  SECTION("and so are the bytes too many") {
    send(std::string(9'000, 'x'));
    CHECK(outcomes.size() == 0);
    send(std::string(2'000, 'x'));
    CHECK(outcomes.take() == Outcome::kUnavailable);
    server.resume();
    CHECK(outcomes.take() == Outcome::kReplied);
  }
  CHECK(client.connection().stats().overflows == 1);
}

TEST_CASE("a killed Redis leaves what was sent in doubt, and the connection comes back with it") {
  RedisServer server;
  Client client(Client::options_for(server.unix_endpoint()));
  client.start_and_wait();
  server.pause();
  Inbox<Outcome> outcomes;
  client.connection().execute(Command({"PING"}), [&](const Answer& answer) { outcomes.put(answer.outcome); });
  REQUIRE(eventually([&] { return client.connection().stats().in_flight == 1; }));
  server.kill();
  CHECK(outcomes.take() == Outcome::kInDoubt);
  CHECK_FALSE(client.wait_for(false).reason.empty());
  CHECK(client.run(Command({"PING"})).outcome == Outcome::kUnavailable);
  server.start();
  client.wait_for(true);
  CHECK(client.run(Command({"PING"})).reply.is("PONG"));
  CHECK(client.connection().stats().connects == 2);
}

TEST_CASE("a connection that comes back ends the one before at the same Redis, and at no other") {
  RedisServer server;
  auto options = Client::options_for(server.unix_endpoint());
  options.command_timeout = milliseconds(100);
  Client client(options);
  client.start_and_wait();
  const auto kills = [&] {
    return server.command({"INFO", "commandstats"}).text.find("cmdstat_client|kill:calls=1,") !=
           std::string::npos;
  };
  server.pause();
  CHECK(client.run(Command({"PING"})).outcome == Outcome::kInDoubt);
  server.resume();
  client.wait_for(false);
  client.wait_for(true);
  CHECK(kills());

  server.kill();
  server.start();
  client.wait_for(false);
  client.wait_for(true);
  CHECK_FALSE(kills());
}

TEST_CASE("a loop that was busy itself does not take Redis for dead") {
  RedisServer server;
  auto options = Client::options_for(server.unix_endpoint());
  options.command_timeout = milliseconds(1'000);
  Client client(options);
  client.start_and_wait();
  server.command({"SET", "large", std::string(1'000'000, 'x')});
  Inbox<Outcome> outcomes;
  boost::asio::post(client.loop().io(), [&] {
    client.connection().execute(Command({"GET", "large"}), [&](const Answer& a) { outcomes.put(a.outcome); });
    boost::asio::post(client.loop().io(), [] { poll(nullptr, 0, 1'300); });
  });
  CHECK(outcomes.take() == Outcome::kReplied);
  CHECK(client.connection().stats().timeouts == 0);
}

TEST_CASE("a Redis that stands still while connecting is given up and tried again") {
  RedisServer server;
  auto options = Client::options_for(server.tcp_endpoint());
  options.connect_timeout = milliseconds(100);
  Client client(options);
  server.pause();
  client.start();
  CHECK(client.wait_for(false).reason == "connect: timed out");
  REQUIRE(eventually([&] { return client.connection().stats().failures >= 2; }));
  server.resume();
  CHECK(client.wait_for(true).ready);
}

TEST_CASE("bytes that are no replies end the connection and nothing else") {
  for (const char* garbage : {"HTTP/1.1 400 Bad Request\r\n\r\n", "*-5\r\n", "$abc\r\n", "*2\r\n*2\r\n?\r\n",
                              "+PONG\r\n+PONG\r\n+PONG\r\n+PONG\r\n"}) {
    FakeServer fake(garbage);
    Client client(Client::options_for(fake.endpoint()));
    client.start();
    CHECK_FALSE(client.wait_for(false).reason.empty());
    REQUIRE(eventually([&] { return client.connection().stats().failures >= 2; }));
    CHECK_FALSE(client.connection().ready());
    CHECK(client.run(Command({"PING"})).outcome == Outcome::kUnavailable);
  }
}

TEST_CASE("a reply larger than the limit ends the connection") {
  RedisServer server;
  auto options = Client::options_for(server.unix_endpoint());
  options.max_reply_bytes = 100'000;
  Client client(options);
  client.start_and_wait();
  server.command({"SET", "large", std::string(200'000, 'x')});
  CHECK(client.run(Command({"GET", "large"})).outcome == Outcome::kInDoubt);
  CHECK(client.wait_for(false).reason == "bad reply: reply too large");
  client.wait_for(true);
}

TEST_CASE("a password is needed where Redis wants one") {
  RedisServer server({"--user", "gate", "on", ">secret", "~*", "&*", "+@all"});
  auto options = Client::options_for(server.unix_endpoint());
  options.user = "gate";
  SECTION("the right one opens") {
    options.password = "secret";
    Client client(options);
    client.start_and_wait();
    CHECK(client.run(Command({"ACL", "WHOAMI"})).reply.is("gate"));
  }
  SECTION("the wrong one says so") {
    options.password = "wrong";
    for (const bool prepare : {true, false}) {
      Client client(options, prepare);
      client.start();
      CHECK(client.wait_for(false).reason.starts_with("AUTH refused: WRONGPASS"));
      CHECK_FALSE(client.connection().ready());
    }
  }
}

TEST_CASE("a database other than the first is selected") {
  RedisServer server;
  auto options = Client::options_for(server.unix_endpoint());
  options.database = 3;
  Client client(options);
  client.start_and_wait();
  client.run(Command({"SET", "here", "1"}));
  CHECK(server.command({"EXISTS", "here"}).integer == 0);
}

TEST_CASE("a Redis older than 7 is refused") {
  const std::string info = "redis_version:6.2.14\r\n";
  FakeServer fake("$" + std::to_string(info.size()) + "\r\n" + info + "\r\n:1\r\n*0\r\n*0\r\n");
  Client client(Client::options_for(fake.endpoint()));
  client.start();
  CHECK(client.wait_for(false).reason == "Redis 6.2.14 is too old: version 7 or newer is needed");
}

TEST_CASE("an outage is told once, however many attempts it takes") {
  RedisServer server({}, RedisServer::Start::kLater);
  Client client(Client::options_for(server.unix_endpoint()));
  client.start();
  REQUIRE(eventually([&] { return client.connection().stats().failures >= 5; }));
  CHECK(client.states.size() == 1);
  CHECK(client.lines.size() == 1);
}

TEST_CASE("a unix path too long for a socket is an error, not an end") {
  redis::Endpoint endpoint;
  endpoint.unix_path = "/" + std::string(200, 'x');
  Client client(Client::options_for(endpoint));
  client.start();
  CHECK(client.wait_for(false).reason.starts_with("connect: "));
}

TEST_CASE("a connection that is destroyed answers what it had not") {
  RedisServer server;
  Loop loop;
  auto connection = std::make_unique<redis::Connection>(
      loop.io(), Client::options_for(server.unix_endpoint()), redis::Prepare{}, redis::Log{});
  Inbox<bool> states;
  connection->on_state([&](bool ready, const std::string&) { states.put(ready); });
  connection->start();
  REQUIRE(states.take());
  server.pause();
  Inbox<Outcome> outcomes;
  connection->execute(Command({"PING"}), [&](const Answer& answer) { outcomes.put(answer.outcome); });
  REQUIRE(eventually([&] { return connection->stats().in_flight == 1; }));
  loop.stop();
  connection.reset();
  CHECK(outcomes.take() == Outcome::kInDoubt);
}

}  // namespace
}  // namespace ringtrace::test
