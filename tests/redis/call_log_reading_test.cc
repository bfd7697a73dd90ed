// How the log of call events is read, and until when.

#include <catch2/catch.hpp>

#include "tests/redis/call_log_client.h"

namespace ringtrace::test {

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

TEST_CASE("a page of nothing but what is no event is not the end of the log") {
  RedisServer server;
  LogClient client(server);
  for (int i = 0; i < 5; ++i) server.command({"XADD", "rt:{calls}:events", "*", "json", "{no"});
  client.log.append(ringing("c1"));
  REQUIRE(client.settled());
  const CallLogPage page = client.read("", 2);
  REQUIRE(page.events.size() == 1);
  CHECK(page.events[0].event_id() == "c1-ringing");
}

}  // namespace ringtrace::test
