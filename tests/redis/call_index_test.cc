#include "redis/call_index.h"

#include <catch2/catch.hpp>

#include "proto/attribution_update.h"
#include "proto/from_pool.h"
#include "redis/call_log.h"
#include "tests/redis/redis_server.h"
#include "tests/redis/support.h"

namespace ringtrace::test {
namespace {

using redis::CallSearch;
using redis::CallsFound;
using std::chrono::minutes;

const pool::Time kNoon{std::chrono::milliseconds(1'700'000'000'000)};

v1::CallEvent event(const std::string& call, const std::string& word, v1::CallEventType type, int minute,
                    const std::string& source = "direct") {
  v1::CallEvent result;
  result.set_event_id(call + "-" + word);
  result.set_type(type);
  result.mutable_call()->set_call_id(call);
  result.mutable_call()->set_dialed_number("+74950000001");
  *result.mutable_call()->mutable_start_time() = to_timestamp(kNoon + minutes(minute));
  result.mutable_call()->mutable_resolution()->set_source(source);
  result.mutable_call()->mutable_resolution()->set_pool("pools/main");
  return result;
}

v1::CallEvent ringing(const std::string& call, int minute, const std::string& source = "direct") {
  return event(call, "ringing", v1::CALL_EVENT_TYPE_RINGING, minute, source);
}

v1::CallEvent ended(const std::string& call, int minute, const std::string& source = "direct",
                    v1::CallOutcome outcome = v1::CALL_OUTCOME_ANSWERED) {
  v1::CallEvent result = event(call, "ended", v1::CALL_EVENT_TYPE_ENDED, minute, source);
  result.mutable_call()->set_outcome(outcome);
  return result;
}

/// A call log and its index on a connection of their own.
struct IndexClient {
  explicit IndexClient(const RedisServer& server, redis::CallLogOptions options = {})
      : client(Client::options_for(server.unix_endpoint())),
        log(client.connection(), options, {}),
        index(client.connection()) {
    client.start_and_wait();
  }
  ~IndexClient() { client.loop().stop(); }

  void append(const v1::CallEvent& one) {
    REQUIRE(log.append(one));
    REQUIRE(eventually([this] { return log.stats().queued == 0; }));
  }

  CallsFound search(CallSearch search) {
    Inbox<CallsFound> found;
    index.search(std::move(search), [&](CallsFound answer) { found.put(std::move(answer)); });
    return found.take();
  }

  std::optional<v1::Call> find(const std::string& call) {
    Inbox<std::optional<v1::Call>> found;
    index.find(call, [&](bool available, std::optional<v1::Call> answer) {
      found.put(available ? std::move(answer) : std::nullopt);
    });
    return found.take();
  }

  std::string run(std::initializer_list<std::string_view> command) {
    const redis::Reply reply = client.run(redis::Command(command)).reply;
    if (!reply.is_array())
      return reply.kind == redis::Reply::Kind::kInteger ? std::to_string(reply.integer) : reply.text;
    std::string words;
    for (const redis::Reply& element : reply.elements) words += element.text + " ";
    return words;
  }

  Client client;
  redis::RedisCallLog log;
  redis::RedisCallIndex index;
};

std::string ids(const CallsFound& found) {
  std::string result;
  for (const v1::Call& call : found.calls) result += call.call_id() + " ";
  return result;
}

CallSearch all() {
  CallSearch search;
  search.max = 100;
  return search;
}

}  // namespace

TEST_CASE("calls are listed from the one that started last, by time, number, pool, source and outcome") {
  RedisServer server;
  IndexClient client(server);
  client.append(ringing("a", 1));
  client.append(ended("a", 1));
  client.append(ended("c", 3, "my ads/cpc"));
  client.append(ended("b", 2, "direct", v1::CALL_OUTCOME_BUSY));
  v1::CallEvent other = ended("d", 0);
  other.mutable_call()->set_dialed_number("+74950000002");
  other.mutable_call()->mutable_resolution()->clear_pool();
  client.append(other);

  CHECK(ids(client.search(all())) == "c b a d ");
  CHECK(client.search(all()).calls[2].outcome() == v1::CALL_OUTCOME_ANSWERED);
  CallSearch search = all();
  search.from = kNoon + minutes(1);
  search.until = kNoon + minutes(3);
  CHECK(ids(client.search(search)) == "b a ");
  search = all();
  search.dialed_number = "+74950000002";
  CHECK(ids(client.search(search)) == "d ");
  search = all();
  search.pool = "main";
  CHECK(ids(client.search(search)) == "c b a ");
  search.outcome = v1::CALL_OUTCOME_BUSY;
  CHECK(ids(client.search(search)) == "b ");
  search = all();
  search.source = "my ads/cpc";
  CHECK(ids(client.search(search)) == "c ");
  search.pool = "other";
  CHECK(ids(client.search(search)).empty());
}

TEST_CASE("pages join without a gap or a doubling, also among calls of one millisecond") {
  RedisServer server;
  IndexClient client(server);
  std::string expected;
  for (int i = 59; i >= 0; --i) {
    const std::string id = "c" + std::to_string(100 + i);
    REQUIRE(client.log.append(ended(id, i / 20)));
    expected += id + " ";
  }
  REQUIRE(eventually([&] { return client.log.stats().queued == 0; }));
  CallSearch search;
  search.max = 7;
  std::string got;
  for (int pages = 0; pages < 60; ++pages) {
    const CallsFound page = client.search(search);
    REQUIRE(page.available);
    got += ids(page);
    search.after = page.next;
    if (!page.next) break;
  }
  CHECK(got == expected);
}

TEST_CASE(
    "a rare call is found behind many others, and a search that looked at enough says where it stands") {
  constexpr std::size_t kEnough = redis::RedisCallIndex::kLook * redis::RedisCallIndex::kMaxSteps;
  RedisServer server;
  IndexClient client(server);
  client.append(ended("rare", 0, "direct", v1::CALL_OUTCOME_BUSY));
  for (std::size_t i = 0; i < kEnough; ++i) {
    REQUIRE(client.log.append(ended("c" + std::to_string(100'000 + i), 1)));
  }
  REQUIRE(eventually([&] { return client.log.stats().queued == 0; }));
  CallSearch search = all();
  search.outcome = v1::CALL_OUTCOME_BUSY;
  const CallsFound first = client.search(search);
  CHECK(first.calls.empty());
  REQUIRE(first.next);
  search.after = first.next;
  const CallsFound second = client.search(search);
  CHECK(ids(second) == "rare ");
  CHECK_FALSE(second.next);
}

TEST_CASE("a call is told with its newest resolution, and listed under its newest source") {
  RedisServer server;
  IndexClient client(server);
  CHECK_FALSE(client.find("a"));
  client.append(ringing("a", 1));
  v1::Resolution better;
  better.set_source("google/cpc");
  better.set_pool("pools/main");
  client.append(attribution_updated(ringing("a", 1), better, 1, kNoon));
  // The call's own last event still carries the answer given when it came.
  client.append(ended("a", 1));
  REQUIRE(client.find("a"));
  CHECK(client.find("a")->outcome() == v1::CALL_OUTCOME_ANSWERED);
  CHECK(client.find("a")->resolution().source() == "google/cpc");
  CallSearch search = all();
  search.source = "google/cpc";
  CHECK(ids(client.search(search)) == "a ");
  search.source = "direct";
  CHECK(ids(client.search(search)).empty());

  better.set_source("bing/cpc");
  client.append(attribution_updated(ended("a", 1), better, 2, kNoon));
  CHECK(client.find("a")->resolution().source() == "bing/cpc");
  CHECK(client.find("a")->outcome() == v1::CALL_OUTCOME_ANSWERED);
  search.source = "bing/cpc";
  CHECK(ids(client.search(search)) == "a ");
  CHECK(client.run({"EXISTS", "rt:{calls}:calls:source:google/cpc"}) == "0");
}

TEST_CASE("what is trimmed from the log is gone from the index, and nothing is left behind") {
  RedisServer server;
  redis::CallLogOptions options;
  options.max_length = 4;
  IndexClient client(server, options);
  client.append(ringing("a", 1, "first"));
  client.append(ended("a", 1, "first"));
  client.append(ringing("b", 2));
  client.append(ringing("c", 3));
  CHECK(ids(client.search(all())) == "c b a ");
  client.append(ended("b", 2));  // of `a` one event is left
  CHECK(client.find("a"));
  client.append(ended("c", 3));
  CHECK_FALSE(client.find("a"));
  CHECK(ids(client.search(all())) == "c b ");
  CHECK(client.run({"KEYS", "rt:{calls}:call:a"}).empty());
  CHECK(client.run({"KEYS", "*first*"}).empty());
  CHECK(std::stoll(client.run({"PTTL", "rt:{calls}:call:b"})) > options.retention.count());
  CHECK(std::stoll(client.run({"PTTL", "rt:{calls}:calls"})) > options.retention.count());
}

TEST_CASE("while Redis is away nothing is found, and it is not said that there is nothing") {
  RedisServer server;
  IndexClient client(server);
  server.kill();
  client.client.wait_for(false);
  CHECK_FALSE(client.search(all()).available);
  Inbox<bool> availables;
  client.index.find("a", [&](bool available, const std::optional<v1::Call>&) { availables.put(available); });
  CHECK_FALSE(availables.take());
}

}  // namespace ringtrace::test
