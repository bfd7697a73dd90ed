#include "gateway/event_spool.h"

#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "proto/from_pool.h"
#include "tests/redis/call_log_client.h"
#include "tests/redis/keyspace.h"
#include "tests/redis/redis_server.h"
#include "tests/redis/support.h"
#include "tests/temporary_directory.h"

namespace ringtrace::gateway {
namespace {

using test::ended;
using test::event_of;
using test::RedisServer;
using test::ringing;
using Ids = std::vector<std::string>;

const std::string kCall = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// One life of a gateway's spool, with the store's log behind it.
struct Life {
  Life(const RedisServer& server, const std::filesystem::path& file, redis::CallLogOptions log_options = {},
       std::uint64_t max_bytes = 1 << 20, EventSpool::Pass pass = {})
      : client(test::Client::options_for(server.unix_endpoint())),
        calls(client.connection(), log_options, {}),
        spool(calls, {file, max_bytes, 1'000}, *log, std::move(pass)) {
    spool.start();
    client.start();
  }
  /// As a kill does: nothing more reaches Redis.
  ~Life() { client.loop().stop(); }

  bool settled() {
    return test::eventually([this] {
      return spool.stats().waiting == 0 && calls.stats().queued == 0 && spool.stats().file_bytes == 0;
    });
  }

  Ids ids() {
    test::Inbox<redis::CallLogPage> pages;
    calls.read_after("", 1'000, [&](redis::CallLogPage page) { pages.put(std::move(page)); });
    Ids ids;
    for (const v1::CallEvent& event : pages.take().events) ids.push_back(event.event_id());
    return ids;
  }

  std::ostringstream lines;
  std::unique_ptr<Log> log = Log::to_stream(lines, LogLevel::kInfo, 1024);
  test::Client client;
  redis::RedisCallLog calls;
  EventSpool spool;
};

}  // namespace

TEST_CASE(
    "events of a gateway killed while Redis is away are in the log once, in order, when both are back") {
  RedisServer server({}, RedisServer::Start::kLater);
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "spool";
  {
    Life killed(server, file);
    killed.spool.record(ringing("c1"));
    killed.spool.record(ringing("c2"));
    killed.spool.close_unknown({kCall, "sip", "a", "b", pool::Time(std::chrono::seconds(1'700'000'000))});
    killed.spool.record(ended("c1"));
    v1::CallEvent seen = event_of("c4", v1::CALL_EVENT_TYPE_ANSWERED, "answered");
    seen.mutable_call()->set_state(v1::CALL_STATE_ANSWERED);
    killed.spool.resume(seen);
    killed.spool.resume(seen);
  }
  {
    Life again(server, file);
    CHECK(again.spool.stats().recovered == 6);
    again.spool.record(ended("c2"));
  }
  server.start();
  redis::CallLogOptions impatient;
  impatient.closing_patience = std::chrono::milliseconds(0);
  Life last(server, file, impatient);
  CHECK(last.spool.stats().recovered == 7);
  last.spool.record(ringing("c3"));
  REQUIRE(last.settled());
  CHECK(last.ids() == Ids{"c1-ringing", "c2-ringing", kCall + "-ended", "c1-ended", "c4-answered", "c2-ended",
                          "c3-ringing"});
}

TEST_CASE("a record that is no event does not keep those behind it") {
  RedisServer server;
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "spool";
  {
    std::string problem;
    const auto records = RecordFile::open(file, 1 << 20, problem);
    REQUIRE(records != nullptr);
    v1::CallEvent nameless = ringing("c1");
    nameless.clear_event_id();
    for (const std::string& record : {"E" + nameless.SerializeAsString(), std::string("Eno event"),
                                      std::string("Cno closing"), "E" + ringing("c2").SerializeAsString()})
      REQUIRE(records->append(record));
  }
  Life life(server, file);
  REQUIRE(life.settled());
  CHECK(life.ids() == Ids{"c2-ringing"});
  CHECK(life.spool.stats().dropped == 3);
}

TEST_CASE("events that Redis has already, and the file still, come once") {
  RedisServer server;
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "spool";
  const auto copy = directory.path() / "copy";
  server.pause();
  {
    Life life(server, file);
    life.spool.record(ringing("c1"));
    life.spool.record(ended("c1"));
    REQUIRE(test::eventually([&] { return life.spool.stats().waiting == 0; }));
    // What a kill leaves after Redis has written and before the gateway has heard of it.
    std::filesystem::copy_file(file, copy);
    server.resume();
    REQUIRE(life.settled());
  }
  Life after(server, copy);
  CHECK(after.spool.stats().recovered == 2);
  after.spool.record(ringing("c2"));
  REQUIRE(after.settled());
  CHECK(after.ids() == Ids{"c1-ringing", "c1-ended", "c2-ringing"});
}

TEST_CASE("what the store's log has no room for waits in the file, in order") {
  RedisServer server({}, RedisServer::Start::kLater);
  const test::TemporaryDirectory directory;
  redis::CallLogOptions small;
  small.max_queued = 3;
  Life life(server, directory.path() / "spool", small);
  Ids expected;
  for (int i = 0; i < 40; ++i) {
    life.spool.record(ringing("c" + std::to_string(i)));
    expected.push_back("c" + std::to_string(i) + "-ringing");
  }
  REQUIRE(test::eventually([&] { return life.spool.stats().waiting == 37; }));
  server.start();
  REQUIRE(life.settled());
  CHECK(life.ids() == expected);
  CHECK(life.spool.stats().dropped == 0);
}

TEST_CASE("the file does not fill under a stream of events that never rests") {
  constexpr std::uint64_t kMaxBytes = 64 << 10;
  RedisServer server;
  const test::TemporaryDirectory directory;
  Life life(server, directory.path() / "spool", {}, kMaxBytes);
  Ids expected;
  // Four times what the file holds, and always some of it on the way.
  for (std::uint64_t bytes = 0; bytes < 4 * kMaxBytes;) {
    const v1::CallEvent event = ringing("c" + std::to_string(expected.size()));
    expected.push_back(event.event_id());
    bytes += event.ByteSizeLong();
    life.spool.record(event);
    REQUIRE(test::eventually([&] { return life.spool.stats().waiting + life.calls.stats().queued < 100; }));
  }
  CHECK(life.spool.stats().unspooled == 0);
  REQUIRE(life.settled());
  CHECK(life.spool.stats().dropped == 0);
  CHECK(server.command({"XLEN", "rt:{calls}:events"}).integer == static_cast<std::int64_t>(expected.size()));
}

TEST_CASE("a full file leaves events in memory, and full memory drops and counts them") {
  RedisServer server({}, RedisServer::Start::kLater);
  const test::TemporaryDirectory directory;
  redis::CallLogOptions small;
  small.max_queued = 10;
  // Room for a few events only.
  Life life(server, directory.path() / "spool", small, 200);
  for (int i = 0; i < 20; ++i) life.spool.record(ringing("c" + std::to_string(i)));
  REQUIRE(test::eventually([&] { return life.spool.stats().dropped == 10; }));
  CHECK(life.spool.stats().unspooled > 10);
  CHECK(life.spool.stats().file_bytes <= 200);
  server.start();
  REQUIRE(life.settled());
  const Ids ids = life.ids();
  REQUIRE(ids.size() == 10);
  CHECK(ids.front() == "c0-ringing");
  CHECK(ids.back() == "c9-ringing");
  // And there is room again.
  life.spool.record(ringing("later"));
  REQUIRE(life.settled());
  CHECK(life.ids().back() == "later-ringing");
}

TEST_CASE("without a file events go straight to the log") {
  const RedisServer server;
  Life life(server, {});
  life.spool.record(ringing("c1"));
  life.spool.record({});
  REQUIRE(life.settled());
  CHECK(test::eventually([&] { return life.ids() == Ids{"c1-ringing"}; }));
  CHECK(life.spool.stats().dropped == 1);
}

TEST_CASE("an erased caller leaves the file, and comes back with nothing of his earlier calls") {
  RedisServer server({}, RedisServer::Start::kLater);
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "spool";
  const std::string caller = "+12025550190";
  const pool::Time now(std::chrono::milliseconds(1'800'000'000'000));
  const auto of_caller = [&](v1::CallEvent event, const std::string& number) {
    event.mutable_call()->set_caller(number);
    *event.mutable_call()->mutable_start_time() = to_timestamp(now);
    return event;
  };
  Life life(server, file);
  life.spool.record(of_caller(ringing("c1"), caller));
  life.spool.record(of_caller(ringing("c2"), "+12025550777"));
  REQUIRE(test::eventually([&] { return life.spool.stats().waiting == 0; }));
  REQUIRE(test::names(test::files_of(directory.path()), caller));

  test::Inbox<bool> done;
  life.spool.erase(caller, now, [&](bool clean) { done.put(clean); });
  CHECK(done.take());
  CHECK_FALSE(test::names(test::files_of(directory.path()), caller));
  CHECK(test::names(test::files_of(directory.path()), "+12025550777"));

  // The call is still up.
  life.spool.record(of_caller(ended("c1"), caller));
  REQUIRE(test::eventually([&] { return test::names(test::files_of(directory.path()), "c1-ended"); }));
  CHECK_FALSE(test::names(test::files_of(directory.path()), caller));
  server.start();
  REQUIRE(life.settled());
  CHECK(life.ids() == Ids{"c1-ringing", "c2-ringing", "c1-ended"});
}

}  // namespace ringtrace::gateway
