#include "redis/call_log.h"

#include <google/protobuf/util/time_util.h>

#include <catch2/catch.hpp>

#include "proto/from_pool.h"
#include "tests/redis/redis_server.h"
#include "tests/redis/support.h"

namespace ringtrace::test {
namespace {

using redis::CallLogPage;
using Status = CallLogPage::Status;
using std::chrono::milliseconds;
using std::chrono::seconds;

const pool::Time kStart{milliseconds(1'700'000'000'000)};

v1::CallEvent event_of(const std::string& call, v1::CallEventType type, const std::string& word) {
  v1::CallEvent event;
  event.set_event_id(call + "-" + word);
  event.set_type(type);
  event.mutable_call()->set_call_id(call);
  event.mutable_call()->set_sip_call_id("sip-" + call);
  *event.mutable_call()->mutable_start_time() = to_timestamp(kStart);
  return event;
}

v1::CallEvent ringing(const std::string& call) {
  v1::CallEvent event = event_of(call, v1::CALL_EVENT_TYPE_RINGING, "ringing");
  event.mutable_call()->set_state(v1::CALL_STATE_RINGING);
  return event;
}

v1::CallEvent answered(const std::string& call) {
  v1::CallEvent event = event_of(call, v1::CALL_EVENT_TYPE_ANSWERED, "answered");
  event.mutable_call()->set_state(v1::CALL_STATE_ANSWERED);
  *event.mutable_call()->mutable_answer_time() = to_timestamp(kStart + seconds(4));
  return event;
}

v1::CallEvent ended(const std::string& call) {
  v1::CallEvent event = event_of(call, v1::CALL_EVENT_TYPE_ENDED, "ended");
  event.mutable_call()->set_state(v1::CALL_STATE_ENDED);
  return event;
}

/// A call log on a connection of its own.
struct LogClient {
  explicit LogClient(redis::ConnectionOptions connection, redis::CallLogOptions options = {})
      : client(std::move(connection)), log(client.connection(), options, {}) {
    log.watch([this] { news.put(1); });
  }
  explicit LogClient(const RedisServer& server, redis::CallLogOptions options = {})
      : LogClient(Client::options_for(server.unix_endpoint()), options) {
    client.start_and_wait();
  }
  ~LogClient() { client.loop().stop(); }

  bool settled() {
    return eventually([this] { return log.stats().queued == 0; });
  }

  CallLogPage read(const std::string& cursor, std::size_t max = 1'000) {
    Inbox<CallLogPage> pages;
    log.read_after(cursor, max, [&](CallLogPage page) { pages.put(std::move(page)); });
    return pages.take();
  }

  std::vector<std::string> ids() {
    std::vector<std::string> ids;
    for (const v1::CallEvent& event : read("").events) ids.push_back(event.event_id());
    return ids;
  }

  std::optional<std::string> latest() {
    Inbox<std::optional<std::string>> cursors;
    log.latest_cursor([&](std::optional<std::string> cursor) { cursors.put(std::move(cursor)); });
    return cursors.take();
  }

  Inbox<int> news;
  Client client;
  redis::RedisCallLog log;
};

using Ids = std::vector<std::string>;

TEST_CASE("events are read back in order, each with its cursor, page by page") {
  RedisServer server;
  LogClient client(server);
  CHECK(client.latest() == "0-0");
  for (const auto& event : {ringing("c1"), ringing("c2"), answered("c1"), ended("c1")}) {
    REQUIRE(client.log.append(event));
  }
  REQUIRE(client.settled());
  CHECK(client.ids() == Ids{"c1-ringing", "c2-ringing", "c1-answered", "c1-ended"});

  const CallLogPage first = client.read("", 3);
  REQUIRE(first.events.size() == 3);
  CHECK(first.next == first.events[2].cursor());
  CHECK(first.events[2].call().sip_call_id() == "sip-c1");
  const CallLogPage rest = client.read(first.next, 3);
  REQUIRE(rest.events.size() == 1);
  CHECK(rest.events[0].event_id() == "c1-ended");
  CHECK(rest.next == client.latest());
  const CallLogPage nothing = client.read(rest.next);
  CHECK(nothing.status == Status::kDone);
  CHECK(nothing.events.empty());
  CHECK(nothing.next == rest.next);
}

TEST_CASE("people can read the stream, and which calls are open") {
  RedisServer server;
  LogClient client(server);
  client.log.append(ringing("c1"));
  REQUIRE(client.settled());
  const redis::Reply entries = server.command({"XRANGE", "rt:{calls}:events", "-", "+"});
  const auto& fields = entries.elements.at(0).elements.at(1).elements;
  REQUIRE(fields.size() == 6);
  CHECK(fields[1].is("ringing"));
  CHECK(fields[3].is("c1"));
  CHECK(fields[5].text.starts_with(R"({"event_id":"c1-ringing","type":"CALL_EVENT_TYPE_RINGING")"));
  CHECK(server.command({"HKEYS", "rt:{calls}:open"}).elements.at(0).is("c1"));
  CHECK(server.command({"PTTL", "rt:{calls}:seen:c1"}).integer > 24 * 3'600'000);

  client.log.append(ended("c1"));
  REQUIRE(client.settled());
  CHECK(server.command({"HLEN", "rt:{calls}:open"}).integer == 0);
}

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

TEST_CASE("a watcher hears of its own gateway's events and of another's") {
  RedisServer server;
  redis::CallLogOptions options;
  options.poll = milliseconds(20);
  LogClient one(server, options);
  LogClient two(server, options);
  one.log.append(ringing("c1"));
  CHECK(one.news.take() == 1);
  CHECK(two.news.take() == 1);
  CHECK(two.ids() == Ids{"c1-ringing"});
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

TEST_CASE("a cursor older than the log is told where the log begins") {
  RedisServer server;
  redis::CallLogOptions options;
  options.max_length = 3;
  LogClient client(server, options);
  std::vector<std::string> cursors;
  for (int i = 0; i < 6; ++i) {
    client.log.append(ringing("c" + std::to_string(i)));
    REQUIRE(client.settled());
    cursors.push_back(*client.latest());
  }
  const CallLogPage gone = client.read(cursors[1]);
  CHECK(gone.status == Status::kOutOfRange);
  CHECK(gone.events.empty());
  const CallLogPage from_there = client.read(gone.next);
  CHECK(from_there.status == Status::kDone);
  REQUIRE(from_there.events.size() == 3);
  CHECK(from_there.events[0].event_id() == "c3-ringing");

  // The last one that is gone: everything after it is still there.
  CHECK(client.read(cursors[2]).events.size() == 3);
  CHECK(client.read("").events.size() == 3);
}

TEST_CASE("events older than the retention are trimmed") {
  RedisServer server;
  redis::CallLogOptions options;
  options.retention = seconds(3'600);
  LogClient client(server, options);
  for (const char* id : {"1000-1", "1000-2", "2000-0"})
    server.command({"XADD", "rt:{calls}:events", id, "a", "b"});
  client.log.append(ringing("c1"));
  REQUIRE(client.settled());
  CHECK(client.ids() == Ids{"c1-ringing"});
  CHECK(client.read("1000-1").status == Status::kOutOfRange);
  CHECK(client.read("2000-0").status == Status::kDone);
}

TEST_CASE("a log nothing is written to any more expires, and older cursors are out of range") {
  RedisServer server;
  redis::CallLogOptions options;
  options.retention = seconds(3'600);
  LogClient client(server, options);
  for (const char* call : {"c1", "c2"}) client.log.append(ringing(call));
  REQUIRE(client.settled());
  const std::string first = client.read("").events.at(0).cursor();
  const std::string last = *client.latest();
  const auto left = server.command({"PTTL", "rt:{calls}:events"}).integer;
  CHECK(left > milliseconds(seconds(3'600)).count());
  CHECK(left <= milliseconds(seconds(3'660)).count());

  server.command({"PEXPIRE", "rt:{calls}:events", "0"});
  CHECK(client.read(first).status == Status::kOutOfRange);
  CHECK(client.read(first).next == last);
  CHECK(client.read(last).status == Status::kDone);
  client.log.append(ringing("c3"));
  REQUIRE(client.settled());
  CHECK(client.read(last).events.at(0).event_id() == "c3-ringing");
}

TEST_CASE("reads bring a flushed library back by themselves") {
  RedisServer server;
  LogClient client(server);
  client.log.append(ringing("c1"));
  REQUIRE(client.settled());
  server.command({"FUNCTION", "FLUSH"});
  CHECK(client.read("").status == Status::kUnavailable);
  client.client.wait_for(true);
  CHECK(client.ids() == Ids{"c1-ringing"});
}

TEST_CASE("what is no cursor is refused, and what is no event is passed over") {
  RedisServer server;
  LogClient client(server);
  for (const char* bad : {"x", "1", "1-", "-1", "1-2-3", "(1-1", "99999999999999999999-0"}) {
    CHECK(client.read(bad).status == Status::kBadCursor);
  }
  const redis::Reply foreign = server.command({"XADD", "rt:{calls}:events", "*", "json", "{no"});
  const CallLogPage page = client.read("");
  CHECK(page.status == Status::kDone);
  CHECK(page.events.empty());
  CHECK(page.next == foreign.text);
  CHECK(client.log.stats().unreadable == 1);
}

TEST_CASE("a call that another process began is ended by its open record") {
  RedisServer server;
  {
    LogClient before(server);
    for (const auto& event : {ringing("c1"), answered("c1"), ringing("c2")}) before.log.append(event);
    REQUIRE(before.settled());
  }
  LogClient after(server);
  after.log.close_open_call({"c1", "sip-c1", kStart + seconds(64)});
  after.log.close_open_call({"c2", "sip-c2", kStart + seconds(9)});
  REQUIRE(after.settled());
  const auto events = after.read("").events;
  REQUIRE(events.size() == 5);

  const v1::CallEvent& talked = events[3];
  CHECK(talked.event_id() == "c1-ended");
  CHECK(talked.type() == v1::CALL_EVENT_TYPE_ENDED);
  CHECK(talked.call().state() == v1::CALL_STATE_ENDED);
  CHECK(talked.call().outcome() == v1::CALL_OUTCOME_ANSWERED);
  CHECK(talked.call().ring_duration().seconds() == 4);
  CHECK(talked.call().talk_duration().seconds() == 60);
  CHECK(from_timestamp(talked.call().end_time()) == kStart + seconds(64));

  // Its answer came while no process was there to see it.
  const v1::Call& unseen = events[4].call();
  CHECK(unseen.outcome() == v1::CALL_OUTCOME_ANSWERED);
  CHECK_FALSE(unseen.has_answer_time());
  CHECK_FALSE(unseen.has_ring_duration());
  CHECK_FALSE(unseen.has_talk_duration());
  CHECK(after.log.stats().closed == 2);

  Inbox<std::optional<std::uint64_t>> counts;
  after.log.count_open_calls([&](std::optional<std::uint64_t> count) { counts.put(count); });
  CHECK(counts.take() == 0U);
}

TEST_CASE("a closing of a call that nobody knows, or of another dialog, makes no event") {
  RedisServer server;
  LogClient client(server);
  client.log.append(ringing("c1"));
  client.log.close_open_call({"unknown", "sip", kStart});
  client.log.close_open_call({"c1", "another dialog", kStart});
  client.log.append(ended("c1"));
  client.log.close_open_call({"c1", "sip-c1", kStart});
  REQUIRE(client.settled());
  CHECK(client.ids() == Ids{"c1-ringing", "c1-ended"});
  CHECK(client.log.stats().unknown_closings == 3);
}

TEST_CASE("what answers tell of a call that another process began is told once, with what was known") {
  const auto seen = [](v1::CallEvent event) {
    event.mutable_call()->clear_resolution();
    event.mutable_call()->set_caller("made up");
    return event;
  };
  RedisServer server;
  {
    LogClient before(server);
    for (const char* call : {"c1", "c2", "c3"}) before.log.append(ringing(call));
    before.log.append(answered("c3"));
    REQUIRE(before.settled());
  }
  LogClient after(server);
  after.log.resume(seen(ringing("c1")));
  after.log.resume(seen(answered("c1")));
  after.log.close_open_call({"c1", "sip-c1", kStart + seconds(64)});
  after.log.resume(seen(answered("c1")));
  v1::CallEvent busy = seen(ended("c2"));
  busy.mutable_call()->set_outcome(v1::CALL_OUTCOME_BUSY);
  busy.mutable_call()->set_sip_status(486);
  *busy.mutable_call()->mutable_end_time() = to_timestamp(kStart + seconds(7));
  after.log.resume(busy);
  after.log.resume(busy);
  after.log.resume(seen(answered("c3")));  // the line repeats its 200
  after.log.resume(seen(ended("c3")));     // an attempt that lost
  after.log.resume(ringing("c4"));         // nothing was known of it
  REQUIRE(after.settled());
  CHECK(after.ids() == Ids{"c1-ringing", "c2-ringing", "c3-ringing", "c3-answered", "c1-answered", "c1-ended",
                           "c2-ended", "c4-ringing"});
  const auto events = after.read("").events;
  REQUIRE(events.size() == 8);
  for (const std::size_t at : {4u, 5u, 6u}) {
    CHECK(events[at].call().caller() == events[0].call().caller());
    CHECK(events[at].call().resolution().method() == events[0].call().resolution().method());
  }
  CHECK(events[5].call().talk_duration().seconds() == 60);
  CHECK(events[6].call().outcome() == v1::CALL_OUTCOME_BUSY);
  CHECK(events[6].call().sip_status() == 486);
  CHECK(events[6].call().ring_duration().seconds() == 7);
  CHECK(events[6].call().has_talk_duration());
}

TEST_CASE("a closing waits for Redis in its place among the events") {
  RedisServer server({}, RedisServer::Start::kLater);
  LogClient client(Client::options_for(server.unix_endpoint()));
  client.log.append(answered("c1"));
  client.log.close_open_call({"c1", "sip-c1", kStart + seconds(5)});
  client.log.append(ringing("c2"));
  server.start();
  client.client.start_and_wait();
  REQUIRE(client.settled());
  CHECK(client.ids() == Ids{"c1-answered", "c1-ended", "c2-ringing"});
}

}  // namespace
}  // namespace ringtrace::test
