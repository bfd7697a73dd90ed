#include "redis/caller_erasure.h"

#include <catch2/catch.hpp>

#include "proto/from_pool.h"
#include "redis/call_index.h"
#include "redis/call_log.h"
#include "redis/keys.h"
#include "tests/redis/keyspace.h"
#include "tests/redis/support.h"

namespace ringtrace::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

const std::string kCaller = "+12025550190";
const std::string kDigits = "12025550190";
const std::string kOther = "+12025550777";

v1::CallEvent event_of(const std::string& call, v1::CallEventType type, const std::string& word,
                       const std::string& caller = kCaller, pool::Time start = present()) {
  v1::CallEvent event;
  event.set_event_id(call + "-" + word);
  event.set_type(type);
  event.mutable_call()->set_call_id(call);
  event.mutable_call()->set_caller(caller);
  *event.mutable_call()->mutable_start_time() = to_timestamp(start);
  event.mutable_call()->mutable_resolution()->set_pool("pools/main");
  v1::Visit& visit = *event.mutable_call()->mutable_resolution()->mutable_visit();
  visit.set_visit_id("visit-" + call);
  visit.set_visitor_id("browser-of-" + caller);
  visit.mutable_attributes()->set_utm_source("google");
  visit.mutable_attributes()->mutable_extra()->insert({"phone", caller});
  return event;
}

v1::CallEvent ringing(const std::string& call, const std::string& caller = kCaller,
                      pool::Time start = present()) {
  return event_of(call, v1::CALL_EVENT_TYPE_RINGING, "ringing", caller, start);
}

v1::CallEvent ended(const std::string& call, const std::string& caller = kCaller,
                    pool::Time start = present()) {
  return event_of(call, v1::CALL_EVENT_TYPE_ENDED, "ended", caller, start);
}

redis::CallLogOptions options_with(const std::string& key) {
  redis::CallLogOptions options;
  options.caller_key = redis::CallerKey(key);
  return options;
}

/// A gateway's log of calls, their index and erasure, on one connection.
struct Gateway {
  explicit Gateway(const RedisServer& server, redis::CallLogOptions options = options_with("the key"))
      : client(Client::options_for(server.unix_endpoint())),
        log(client.connection(), options, {}),
        index(client.connection()),
        erasure(client.connection(), options.caller_key) {
    client.start_and_wait();
  }
  ~Gateway() { client.loop().stop(); }

  void append(const v1::CallEvent& event) {
    REQUIRE(log.append(event));
    REQUIRE(eventually([this] { return log.stats().queued == 0; }));
  }

  std::vector<v1::CallEvent> events() {
    Inbox<redis::CallLogPage> pages;
    log.read_after("", 1'000, [&](redis::CallLogPage page) { pages.put(std::move(page)); });
    return pages.take().events;
  }

  std::optional<v1::Call> find(const std::string& call) {
    Inbox<std::optional<v1::Call>> found;
    index.find(call, [&](bool, std::optional<v1::Call> answer) { found.put(std::move(answer)); });
    return found.take();
  }

  std::vector<v1::Call> list() {
    Inbox<redis::CallsFound> found;
    redis::CallSearch search;
    search.max = 100;
    index.search(std::move(search), [&](redis::CallsFound answer) { found.put(std::move(answer)); });
    return found.take().calls;
  }

  redis::CallerErased erase(const std::string& caller = kCaller, bool rewrites = false) {
    Inbox<redis::CallerErased> erased;
    erasure.erase(caller, rewrites, [&](redis::CallerErased answer) { erased.put(std::move(answer)); });
    return erased.take();
  }

  Client client;
  redis::RedisCallLog log;
  redis::RedisCallIndex index;
  redis::RedisCallerErasure erasure;
};

TEST_CASE("what is personal of a call stands beside its events and comes back with them") {
  RedisServer server;
  Gateway gateway(server);
  v1::CallEvent first = ringing("c1");
  gateway.append(first);
  gateway.append(ended("c1"));

  for (const char* key : {"rt:{calls}:events", "rt:{calls}:open"}) {
    std::string text;
    add_texts(server.command({"TYPE", key}).is("stream") ? server.command({"XRANGE", key, "-", "+"})
                                                         : server.command({"HGETALL", key}),
              text);
    CHECK_FALSE(names(text, kDigits));
  }
  const auto events = gateway.events();
  REQUIRE(events.size() == 2);
  v1::CallEvent read = events[0];
  read.clear_cursor();
  CHECK(read.SerializeAsString() == first.SerializeAsString());
  CHECK(events[1].call().caller() == kCaller);
  CHECK(events[1].call().resolution().visit().attributes().utm_source() == "google");
  CHECK(gateway.find("c1")->caller() == kCaller);
  CHECK(gateway.list().at(0).resolution().visit().visitor_id() == "browser-of-" + kCaller);
  // Callers are named by a keyed hash, which another key makes another one.
  CHECK(server.command({"EXISTS", redis::callers_key(redis::CallerKey("the key").hash(kCaller))}).integer ==
        1);
  CHECK(redis::CallerKey("the key").hash(kCaller) != redis::CallerKey("another").hash(kCaller));
}

TEST_CASE("who forwarded a call stands with its caller, and goes with him") {
  RedisServer server;
  Gateway gateway(server);
  const bool is_caller_known = GENERATE(true, false);
  for (const char* call : {"c1", "c2"}) {
    v1::CallEvent event = ringing(call, is_caller_known ? kCaller : "");
    event.mutable_call()->set_forwarded_from(call == std::string("c1") ? kOther : "");
    gateway.append(event);
  }
  std::string text;
  add_texts(server.command({"XRANGE", "rt:{calls}:events", "-", "+"}), text);
  CHECK_FALSE(names(text, kOther));
  CHECK(gateway.find("c1")->forwarded_from() == kOther);
  CHECK(gateway.find("c1")->caller() == (is_caller_known ? kCaller : ""));
  CHECK(gateway.events().at(0).call().forwarded_from() == kOther);
  CHECK(gateway.find("c2")->forwarded_from().empty());
  if (!is_caller_known) return;
  CHECK(gateway.erase().calls == 2);
  CHECK(gateway.find("c1")->forwarded_from().empty());
  CHECK_FALSE(names(keyspace_of(server), kOther));
}

TEST_CASE("who forwarded calls is erased as who made them, with any key") {
  RedisServer server;
  const bool is_key_lost = GENERATE(false, true);
  v1::CallEvent event = ringing("c1");
  event.mutable_call()->set_forwarded_from(kOther);
  Gateway(server, options_with(is_key_lost ? "a key that is lost" : "the key")).append(event);
  Gateway gateway(server);
  gateway.append(ringing("c2"));
  CHECK(gateway.erase(kOther).calls == 1);
  CHECK_FALSE(names(keyspace_of(server), kOther));
  CHECK(gateway.find("c1")->caller().empty());
  CHECK(gateway.find("c2")->caller() == kCaller);
  // What comes later of it comes without him.
  event.set_event_id("c1-again");
  gateway.append(event);
  CHECK_FALSE(names(keyspace_of(server), kOther));
}

TEST_CASE("callers are named by the HMAC-SHA-256 that Python's hmac gives") {
  CHECK(redis::CallerKey("the key").hash("+12025550190") == "8c77d992272fad2daa9f767ce9b8eef6");
  const redis::CallerKey longer_than_a_block(std::string(100, 'k'));
  CHECK(longer_than_a_block.hash("+12025550190") == "9bcc7421d657fd6cbb3c73e445ec28f5");
  CHECK(longer_than_a_block.hash("+12025550190") == "9bcc7421d657fd6cbb3c73e445ec28f5");
}

TEST_CASE("an attribution update brings its visit, and the one that was told before") {
  RedisServer server;
  Gateway gateway(server);
  gateway.append(ringing("c1"));
  v1::CallEvent update = event_of("c1", v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED, "attribution_updated-1");
  *update.mutable_attribution_updated()->mutable_previous_resolution() = update.call().resolution();
  update.mutable_call()->mutable_resolution()->mutable_visit()->set_visit_id("better");
  update.mutable_call()->mutable_resolution()->mutable_visit()->set_visitor_id("browser-better");
  gateway.append(update);
  const auto events = gateway.events();
  REQUIRE(events.size() == 2);
  CHECK(events[1].call().resolution().visit().visitor_id() == "browser-better");
  CHECK(events[1].attribution_updated().previous_resolution().visit().visitor_id() ==
        "browser-of-" + kCaller);
}

TEST_CASE("after an erasure no key holds the number, and the calls are still told") {
  RedisServer server;
  Gateway gateway(server);
  for (const char* call : {"c1", "c2"}) gateway.append(ringing(call));
  gateway.append(ended("c1"));
  gateway.append(ringing("other", kOther));
  REQUIRE(names(keyspace_of(server), kDigits));
  const auto before = gateway.events();

  const redis::CallerErased erased = gateway.erase();
  CHECK(erased.done);
  CHECK(erased.calls == 2);
  CHECK_FALSE(erased.is_rewriting);
  CHECK_FALSE(names(keyspace_of(server), kDigits));

  const auto after = gateway.events();
  REQUIRE(after.size() == before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    CHECK(after[i].cursor() == before[i].cursor());
    CHECK(after[i].event_id() == before[i].event_id());
  }
  CHECK(after[0].call().caller().empty());
  CHECK(after[0].call().resolution().visit().visit_id() == "visit-c1");
  CHECK(after[0].call().resolution().visit().visitor_id().empty());
  CHECK_FALSE(after[0].call().resolution().visit().has_attributes());
  CHECK(gateway.find("c1")->caller().empty());
  CHECK(gateway.find("other")->caller() == kOther);
  CHECK(gateway.list().size() == 3);
  CHECK(gateway.erase().calls == 0);
}

TEST_CASE(
    "what comes later of an erased caller's earlier calls is kept without him, and later calls with him") {
  RedisServer server;
  Gateway gateway(server);
  const pool::Time earlier = present() - minutes(1);
  gateway.append(ringing("up", kCaller, earlier));
  gateway.erase();
  gateway.append(ended("up", kCaller, earlier));
  // Its first event was still on its way.
  gateway.append(ringing("late", kCaller, earlier));
  gateway.append(ended("late", kCaller, earlier));
  // The same again, as after a lost answer.
  gateway.append(ringing("up", kCaller, earlier));
  CHECK_FALSE(names(keyspace_of(server), kDigits));
  CHECK(gateway.log.stats().redacted == 3);
  CHECK(gateway.events().size() == 4);

  gateway.append(ringing("again", kCaller, present() + minutes(1)));
  CHECK(gateway.find("again")->caller() == kCaller);
  CHECK(gateway.erase().calls == 1);
}

TEST_CASE("all calls of a caller are erased, however many, and nobody else's are looked at") {
  RedisServer server;
  Gateway gateway(server);
  constexpr int kCalls = 2 * redis::RedisCallerErasure::kLook + 1;
  for (int i = 0; i < kCalls; ++i) {
    gateway.log.append(ringing("c" + std::to_string(i)));
    gateway.log.append(ringing("o" + std::to_string(i), kOther));
  }
  REQUIRE(eventually([&] { return gateway.log.stats().queued == 0; }));
  server.command({"CONFIG", "RESETSTAT"});
  CHECK(gateway.erase().calls == kCalls);
  std::string stats = server.command({"INFO", "commandstats"}).text;
  CHECK_FALSE(names(stats, "cmdstat_xrange"));
  CHECK(names(stats, "cmdstat_del:calls=" + std::to_string(kCalls) + ","));
  CHECK_FALSE(names(keyspace_of(server), kDigits));
}

TEST_CASE("caller and visits are kept for their own time after the call's start") {
  RedisServer server;
  redis::CallLogOptions options = options_with("the key");
  options.caller_retention = hours(1);
  options.attributes_retention = hours(48);
  Gateway gateway(server, options);
  const pool::Time now = present();
  gateway.append(ringing("fresh", kCaller, now - minutes(30)));
  gateway.append(ringing("old", kCaller, now - hours(2)));
  const auto expiry = [&](const std::string& key) { return server.command({"PEXPIRETIME", key}).integer; };
  CHECK(expiry("rt:{calls}:caller:fresh") == (now + minutes(30)).time_since_epoch().count());
  CHECK(expiry("rt:{calls}:visits:old") == (now + hours(46)).time_since_epoch().count());
  CHECK(server.command({"EXISTS", "rt:{calls}:caller:old"}).integer == 0);
  CHECK(gateway.find("old")->caller().empty());
  CHECK(gateway.find("old")->resolution().visit().attributes().utm_source() == "google");
  CHECK(gateway.log.stats().redacted == 1);
  // Later events do not make it last longer.
  gateway.append(ended("fresh", kCaller, now - minutes(30)));
  CHECK(expiry("rt:{calls}:caller:fresh") == (now + minutes(30)).time_since_epoch().count());
  // Redis forgets by itself.
  server.command({"PEXPIREAT", "rt:{calls}:caller:fresh", "1"});
  CHECK(gateway.find("fresh")->caller().empty());
  CHECK(gateway.events().at(0).call().caller().empty());
}

TEST_CASE("a retention of zero never lets the store have it") {
  RedisServer server;
  redis::CallLogOptions options = options_with("the key");
  options.caller_retention = options.attributes_retention = milliseconds(0);
  Gateway gateway(server, options);
  gateway.append(ringing("c1"));
  CHECK_FALSE(names(keyspace_of(server), kDigits));
}

TEST_CASE("what is personal goes with the last event of its call") {
  RedisServer server;
  redis::CallLogOptions options = options_with("the key");
  options.max_length = 3;
  Gateway gateway(server, options);
  gateway.append(ringing("c1"));
  for (int i = 0; i < 3; ++i) gateway.append(ringing("o" + std::to_string(i), kOther));
  CHECK_FALSE(names(keyspace_of(server), kDigits));
}

TEST_CASE("calls named by a key that is lost are erased too") {
  RedisServer server;
  {
    Gateway before(server, options_with("a key that is lost"));
    for (int i = 0; i < 700; ++i) before.log.append(ringing("o" + std::to_string(i), kOther));
    before.append(ringing("c1"));
  }
  Gateway gateway(server);
  gateway.append(ringing("c2"));
  const redis::CallerErased erased = gateway.erase();
  CHECK(erased.done);
  CHECK(erased.calls == 2);
  CHECK_FALSE(names(keyspace_of(server), kDigits));
  CHECK(gateway.find("o699")->caller() == kOther);
}

TEST_CASE("events written before callers stood by themselves are read, and erased whole") {
  RedisServer server;
  const std::string json =
      R"({"event_id":"old-ringing","type":"CALL_EVENT_TYPE_RINGING","call":{"call_id":"old",)"
      R"("dialed_number":"+12025550101","caller":"+12025550190"}})";
  const std::string cursor =
      server.command({"XADD", "rt:{calls}:events", "*", "type", "ringing", "call", "old", "json", json}).text;
  server.command({"HSET", "rt:{calls}:log", "last", cursor});
  server.command({"HSET", "rt:{calls}:open", "old", json});
  Gateway gateway(server);
  gateway.append(ringing("c1"));
  CHECK(gateway.events().at(0).call().caller() == kCaller);

  CHECK(gateway.erase().calls == 2);
  CHECK_FALSE(names(keyspace_of(server), kDigits));
  CHECK(gateway.events().size() == 1);
  // It can still be ended.
  gateway.log.close_open_call({"old", "", present()});
  REQUIRE(eventually([&] { return gateway.log.stats().queued == 0; }));
  CHECK(gateway.events().back().event_id() == "old-ended");
  CHECK(gateway.events().back().call().dialed_number() == "+12025550101");
}

TEST_CASE("a call of an erased caller that nobody saw end is ended without him") {
  RedisServer server;
  Gateway gateway(server);
  gateway.append(ringing("c1"));
  gateway.erase();
  gateway.log.close_open_call({"c1", "", present()});
  REQUIRE(eventually([&] { return gateway.log.stats().queued == 0; }));
  REQUIRE(gateway.events().size() == 2);
  CHECK(gateway.events()[1].call().caller().empty());
}

TEST_CASE("the append-only file holds what was erased until it is rewritten, which an erasure may ask for") {
  RedisServer server;
  Gateway gateway(server);
  gateway.append(ringing("c1"));
  CHECK(gateway.erase().calls == 1);
  CHECK(names(files_of(server.directory()), kDigits));
  CHECK(gateway.erase(kCaller, true).is_rewriting);
  CHECK(eventually([&] { return !names(files_of(server.directory()), kDigits); }));
}

TEST_CASE("while Redis is away an erasure says so") {
  RedisServer server;
  Gateway gateway(server);
  gateway.append(ringing("c1"));
  server.kill();
  gateway.client.wait_for(false);
  CHECK_FALSE(gateway.erase().done);
  server.start();
  gateway.client.wait_for(true);
  CHECK(gateway.erase().calls == 1);
}

}  // namespace
}  // namespace ringtrace::test
