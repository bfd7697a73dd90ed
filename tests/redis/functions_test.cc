// What the function library decides, through the store that speaks to it.
#include "redis/functions.h"

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <utility>

#include "redis/keys.h"
#include "tests/redis/store_fixture.h"

namespace ringtrace::test {
namespace {

struct Fixture {
  RedisServer server;
  StoreClient store{server};
  const pool::Time now = present();
  const pool::Time later = now + minutes(30);

  StoreReply lend(Number which, const std::string& visit) {
    return store.lease(record_of(which, visit, now, later), now);
  }
  std::int64_t pttl(const std::string& key) { return server.command({"PTTL", key}).integer; }
  std::string stored(Number which) {
    return server.command({"HGET", redis::lease_key("main", which), redis::field_of(which)}).text;
  }
  static std::string ms(pool::Time time) { return std::to_string(time.time_since_epoch().count()); }
};

TEST_CASE_METHOD(Fixture, "a lease is written as text that people can read") {
  const StoreReply reply = lend(kFirst, "visit 1");
  CHECK(reply.status == StoreStatus::kDone);
  CHECK(reply.expire == later);
  CHECK(stored(kFirst) == ms(now) + " 1800s 300s my%20ads/cpc browser%20of%20visit%201 visit 1");
}

TEST_CASE_METHOD(Fixture, "the same lease again changes nothing") {
  lend(kFirst, "v1");
  const std::string before = stored(kFirst);
  const StoreReply again = lend(kFirst, "v1");
  CHECK(again.status == StoreStatus::kDone);
  CHECK(again.expire == later);
  CHECK(stored(kFirst) == before);
}

TEST_CASE_METHOD(Fixture, "a leased number is not lent to another visit") {
  lend(kFirst, "v1");
  CHECK(lend(kFirst, "v2").status == StoreStatus::kHeldByOther);
  CHECK(stored(kFirst).ends_with(" v1"));
}

TEST_CASE_METHOD(Fixture,
                 "a number is lent to another visit when the hold is over, and not a millisecond before") {
  lend(kFirst, "v1");
  const pool::Time free_at = later + minutes(5);
  const auto other = record_of(kFirst, "v2", free_at, free_at + minutes(30));
  CHECK(store.lease(other, free_at - milliseconds(1)).status == StoreStatus::kHeldByOther);
  CHECK(store.lease(other, free_at).status == StoreStatus::kDone);
  CHECK(stored(kFirst).ends_with(" v2"));
}

TEST_CASE_METHOD(
    Fixture, "in its hold a number goes back to its browser, for another visit, and the first one is over") {
  lend(kFirst, "v1");
  auto same_browser = record_of(kFirst, "v2", later, later + minutes(30));
  same_browser.visitor_id = record_of(kFirst, "v1", now, later).visitor_id;
  CHECK(store.lease(same_browser, later - milliseconds(1)).status == StoreStatus::kHeldByOther);
  CHECK(store.lease(same_browser, later).status == StoreStatus::kDone);
  CHECK(stored(kFirst).ends_with(" v2"));
  // The first visit holds nothing any more.
  const auto elsewhere = record_of(kSecond, "v1", later, later + minutes(30));
  CHECK(store.lease(elsewhere, later).status == StoreStatus::kDone);
}

TEST_CASE_METHOD(Fixture, "a lease of before that is told late does not displace its browser's later one") {
  auto first = record_of(kFirst, "v1", now, now + minutes(1));
  auto second = record_of(kFirst, "v2", now + minutes(2), later);
  first.visitor_id = second.visitor_id = "browser";
  REQUIRE(store.lease(second, now + minutes(2)).status == StoreStatus::kDone);
  REQUIRE(store.release(kFirst, "v2", now + minutes(3), now + minutes(3)).status == StoreStatus::kDone);
  CHECK(store.lease(first, now + minutes(4)).status == StoreStatus::kHeldByOther);
  CHECK(stored(kFirst).ends_with(" v2"));
}

TEST_CASE_METHOD(Fixture, "a release begins the hold") {
  lend(kFirst, "v1");
  const pool::Time end = now + minutes(1);
  CHECK(store.release(kFirst, "v1", end, end).expire == end);
  const auto other = record_of(kFirst, "v2", now, later);
  CHECK(store.lease(other, end + minutes(5) - milliseconds(1)).status == StoreStatus::kHeldByOther);
  CHECK(store.lease(other, end + minutes(5)).status == StoreStatus::kDone);
}

TEST_CASE_METHOD(Fixture, "a visit that holds a number is told which, until its hold is over") {
  lend(kFirst, "v1");
  const StoreReply elsewhere = lend(kSecond, "v1");
  CHECK(elsewhere.status == StoreStatus::kVisitElsewhere);
  CHECK(elsewhere.number == kFirst);
  CHECK(elsewhere.expire == later);
  CHECK(stored(kSecond).empty());

  const pool::Time over = later + minutes(5);
  CHECK(store.lease(record_of(kSecond, "v1", over, over + minutes(30)), over).status == StoreStatus::kDone);
}

TEST_CASE_METHOD(Fixture, "in its hold a number goes back to its visit, from its first start on") {
  lend(kFirst, "v1");
  store.release(kFirst, "v1", now + minutes(1), now + minutes(1));
  const pool::Time back = now + minutes(3);
  const StoreReply reply = store.lease(record_of(kFirst, "v1", back, back + minutes(10)), back);
  CHECK(reply.status == StoreStatus::kDone);
  CHECK(reply.expire == back + minutes(10));
  CHECK(stored(kFirst).starts_with(ms(now) + " 780s 300s "));
}

TEST_CASE_METHOD(Fixture, "a renewal extends and never shortens") {
  lend(kFirst, "v1");
  CHECK(store.renew(record_of(kFirst, "v1", now, later + minutes(1)), now).expire == later + minutes(1));
  CHECK(store.renew(record_of(kFirst, "v1", now, now + minutes(1)), now).expire == later + minutes(1));
}

TEST_CASE_METHOD(Fixture, "a renewal is only for the visit that holds the number") {
  CHECK(store.renew(record_of(kFirst, "v1", now, later), now).status == StoreStatus::kNotHeld);
  lend(kFirst, "v1");
  CHECK(store.renew(record_of(kFirst, "v2", now, later), now).status == StoreStatus::kNotHeld);
  const pool::Time over = later + minutes(5);
  CHECK(store.renew(record_of(kFirst, "v1", now, over + minutes(9)), over).status == StoreStatus::kNotHeld);
  CHECK(store.renew(record_of(kFirst, "v1", now, over + minutes(9)), over - milliseconds(1)).status ==
        StoreStatus::kDone);
}

TEST_CASE_METHOD(Fixture, "an expiry leaves a longer lease alone and says its true end") {
  lend(kFirst, "v1");
  const StoreReply reply = store.expire(kFirst, "v1", later - minutes(1), later - minutes(1));
  CHECK(reply.status == StoreStatus::kDone);
  CHECK(reply.expire == later);
  CHECK(stored(kFirst).starts_with(ms(now) + " 1800s 300s "));
}

TEST_CASE_METHOD(Fixture, "an expiry ends a lease once, however often it comes") {
  lend(kFirst, "v1");
  CHECK(store.expire(kFirst, "v1", later, later).expire == later);
  const std::string ended = stored(kFirst);
  CHECK(ended.starts_with(ms(now) + " ended:1800s 300s "));
  CHECK(store.expire(kFirst, "v1", later + minutes(9), later + minutes(9)).expire == later);
  CHECK(store.release(kFirst, "v1", later + minutes(9), later + minutes(9)).expire == later);
  CHECK(stored(kFirst) == ended);
}

TEST_CASE_METHOD(Fixture, "an end is only for the visit that holds the number") {
  CHECK(store.release(kFirst, "v1", now, now).status == StoreStatus::kNotHeld);
  lend(kFirst, "v1");
  CHECK(store.release(kFirst, "v2", now, now).status == StoreStatus::kNotHeld);
  CHECK(store.expire(kFirst, "v2", later, later).status == StoreStatus::kNotHeld);
}

TEST_CASE_METHOD(Fixture, "Redis keeps a lease's keys at least to the end of the hold") {
  auto record = record_of(kFirst, "v1", now, later);
  record.hold = std::chrono::hours(24 * 30);
  v1::VisitAttributes attributes;
  attributes.set_utm_source("google");
  record.attributes = attributes.SerializeAsString();
  store.lease(record, now);
  const auto least = (later + record.hold - present()).count() - 5'000;
  CHECK(pttl(redis::lease_key("main", kFirst)) >= least);
  CHECK(pttl(redis::visits_key("main")) >= least);
  CHECK(pttl(redis::attributes_key("main", kFirst)) >= least);
}

TEST_CASE_METHOD(Fixture, "a key's expiry only grows") {
  auto record = record_of(kFirst, "v1", now, later);
  record.hold = std::chrono::hours(24 * 30);
  store.lease(record, now);
  const auto before = pttl(redis::lease_key("main", kFirst));
  lend(kSecond, "v2");
  store.release(kFirst, "v1", now, now);
  CHECK(pttl(redis::lease_key("main", kFirst)) > before - 5'000);

  store.renew(record_of(kSecond, "v2", now, later + std::chrono::hours(24 * 90)), now);
  CHECK(pttl(redis::lease_key("main", kFirst)) > before + 5'000);
}

TEST_CASE_METHOD(Fixture, "a last holder is remembered for seven days") {
  lend(kFirst, "v1");
  store.release(kFirst, "v1", now, now);
  CHECK(pttl(redis::lease_key("main", kFirst)) >= milliseconds(std::chrono::hours(24 * 7)).count() - 5'000);
}

TEST_CASE_METHOD(Fixture, "the index of visits names each number once, with its last visit") {
  const auto indexed = [this](const std::string& visit) {
    return server.command({"HGET", redis::visits_key("main"), redis::visit_word(redis::visit_bits(visit))})
        .text;
  };
  lend(kFirst, "v1");
  CHECK(indexed("v1") == std::to_string(kFirst.digits()));
  const pool::Time over = later + minutes(5);
  store.lease(record_of(kFirst, "v2", over, over + minutes(30)), over);
  CHECK(indexed("v1").empty());
  CHECK(indexed("v2") == std::to_string(kFirst.digits()));
  CHECK(pttl(redis::visits_key("main")) > 0);
  // A visit that has another number by now stays where it is.
  store.lease(record_of(kSecond, "v1", over, over + minutes(30)), over);
  store.lease(record_of(kFirst, "v1", over, over), over + minutes(90));
  store.lease(record_of(kSecond, "v3", over, over), over + minutes(90));
  CHECK(indexed("v1") == std::to_string(kFirst.digits()));
}

TEST_CASE_METHOD(Fixture,
                 "writes of one number or one visit that come at once are carried out in their order") {
  const Number far = number(79'000'000'001);
  Inbox<StoreReply> replies;
  const auto put = [&](const StoreReply& reply) { replies.put(reply); };
  const auto writes = [this] {
    return server.command({"HGET", redis::owner_key("main"), "writes"}).as_integer().value_or(0);
  };
  const auto before = writes();
  // Given from the loop's own thread, so that they all wait together.
  boost::asio::post(store.client.connection().io(), [&] {
    store.store.lease(record_of(kFirst, "v1", now, later), now, put);
    store.store.lease(record_of(kFirst, "v2", now, later), now, put);
    store.store.lease(record_of(far, "v1", now, later), now, put);
    store.store.release({"main", kFirst, "v1", now + minutes(1)}, now + minutes(1), put);
    store.store.renew(record_of(far, "v1", now, later), now, put);
    store.store.lease(record_of(far, "v3", now, later), now, put);
    store.store.renew(record_of(far, "v3", now, later + minutes(1)), now, put);
  });
  CHECK(replies.take().status == StoreStatus::kDone);
  CHECK(replies.take().status == StoreStatus::kHeldByOther);
  const StoreReply elsewhere = replies.take();
  CHECK(elsewhere.status == StoreStatus::kVisitElsewhere);
  CHECK(elsewhere.number == kFirst);
  CHECK(replies.take().expire == now + minutes(1));
  CHECK(replies.take().status == StoreStatus::kNotHeld);
  CHECK(replies.take().expire == later);
  CHECK(replies.take().expire == later + minutes(1));
  CHECK(stored(kFirst).starts_with(ms(now) + " ended:60s 300s "));
  CHECK(stored(far).ends_with(" v3"));
  CHECK(writes() > before + 1);
}

TEST_CASE_METHOD(Fixture, "writes of many kinds and blocks go together, and each gets its own answer") {
  lend(kFirst, "v1");
  lend(kSecond, "v2");
  const Number third = number(74'950'000'003);
  const Number far = number(79'000'000'001);
  const Number further = number(79'100'000'001);
  Inbox<std::pair<int, StoreReply>> replies;
  const auto put = [&](int which) {
    return [&replies, which](const StoreReply& reply) { replies.put({which, reply}); };
  };
  const auto writes = [this] {
    return server.command({"HGET", redis::owner_key("main"), "writes"}).as_integer().value_or(0);
  };
  const auto before = writes();
  boost::asio::post(store.client.connection().io(), [&] {
    store.store.lease(record_of(far, "v3", now, later), now, put(0));
    store.store.renew(record_of(kFirst, "v1", now, later - minutes(5)), now, put(1));
    store.store.release({"main", kSecond, "v2", now + minutes(1)}, now + minutes(1), put(2));
    store.store.lease(record_of(further, "v4", now, later), now, put(3));
    store.store.expire({"main", third, "v5", later}, later, put(4));
  });
  std::map<int, StoreReply> got;
  for (int i = 0; i < 5; ++i) got.insert(replies.take());
  CHECK(writes() == before + 1);
  CHECK(got[0].status == StoreStatus::kDone);
  CHECK(got[0].expire == later);
  CHECK(got[1].status == StoreStatus::kDone);
  CHECK(got[1].expire == later);
  CHECK(got[2].expire == now + minutes(1));
  CHECK(got[3].status == StoreStatus::kDone);
  CHECK(got[4].status == StoreStatus::kNotHeld);
  CHECK(stored(far).ends_with(" v3"));
  CHECK(stored(further).ends_with(" v4"));
}

TEST_CASE_METHOD(Fixture, "visits that change places in one write are each found at their new number") {
  lend(kFirst, "v1");
  lend(kSecond, "v2");
  const pool::Time over = later + minutes(5);
  Inbox<StoreReply> replies;
  const auto put = [&](const StoreReply& reply) { replies.put(reply); };
  boost::asio::post(store.client.connection().io(), [&] {
    store.store.lease(record_of(kSecond, "v1", over, over + minutes(30)), over, put);
    store.store.lease(record_of(kFirst, "v2", over, over + minutes(30)), over, put);
  });
  CHECK(replies.take().status == StoreStatus::kDone);
  CHECK(replies.take().status == StoreStatus::kDone);
  const Number third = number(74'950'000'003);
  CHECK(store.lease(record_of(third, "v1", over, over + minutes(30)), over).number == kSecond);
  CHECK(store.lease(record_of(third, "v2", over, over + minutes(30)), over).number == kFirst);
}

TEST_CASE_METHOD(Fixture, "every key of leases has its expiry after Redis came back without it") {
  lend(kFirst, "v1");
  server.kill();
  std::filesystem::remove_all(server.directory() / "appendonlydir");
  server.start();
  store.wait_until_back();
  REQUIRE(eventually([&] { return lend(kFirst, "v1").status == StoreStatus::kDone; }));
  for (const redis::Reply& key : server.command({"KEYS", "rt:{main:0}:*"}).elements) {
    INFO(key.text);
    CHECK((pttl(key.text) > 0) == (key.text != redis::owner_key("main")));
  }
}

TEST_CASE_METHOD(Fixture, "a refused lease leaves nothing that would not expire") {
  lend(kFirst, "v1");
  const std::string v2 = redis::visit_word(redis::visit_bits("v2"));
  CHECK(lend(kFirst, "v2").status == StoreStatus::kHeldByOther);
  CHECK(server.command({"HEXISTS", redis::visits_key("main"), v2}).integer == 0);
  CHECK(lend(kSecond, "v2").status == StoreStatus::kDone);
  CHECK(server.command({"HEXISTS", redis::visits_key("main"), v2}).integer == 1);
}

TEST_CASE_METHOD(Fixture, "keys that were deleted get their expiry again") {
  lend(kFirst, "v1");
  store.renew(record_of(kFirst, "v1", now, later + std::chrono::hours(24 * 30)), now);
  const std::string visits = redis::visits_key("main");
  CHECK(pttl(visits) > milliseconds(std::chrono::hours(24 * 30)).count());
  // The books are gone, and with them the owner.
  server.command({"FLUSHDB"});
  CHECK(lend(kFirst, "v1").status == StoreStatus::kUnavailable);
  REQUIRE(eventually([&] { return lend(kFirst, "v1").status == StoreStatus::kDone; }));
  CHECK(pttl(visits) > 0);
  CHECK(pttl(redis::lease_key("main", kFirst)) > 0);
}

TEST_CASE_METHOD(Fixture, "a lease in a form that is not known is nobody's to take") {
  server.command({"HSET", redis::lease_key("main", kFirst), redis::field_of(kFirst), "v9 something newer"});
  CHECK(lend(kFirst, "v1").status == StoreStatus::kHeldByOther);
  CHECK(store.renew(record_of(kFirst, "v1", now, later), now).status == StoreStatus::kNotHeld);
}

TEST_CASE_METHOD(Fixture, "an operator reads what is left of a lease") {
  lend(kFirst, "v \"1\"");
  const redis::Reply shown =
      server.command({"FCALL_RO", "ringtrace_v1_show", "1", redis::lease_key("main", kFirst),
                      std::to_string(kFirst.digits())});
  const std::string begin = R"({"number":"+74950000001","state":"leased","visit":"v \"1\"","remaining_ms":)";
  REQUIRE(shown.text.starts_with(begin));
  const long remaining = std::stol(shown.text.substr(begin.size()));
  CHECK(remaining <= milliseconds(minutes(30)).count());
  CHECK(remaining > milliseconds(minutes(29)).count());
  CHECK(shown.text.find("\"source\":\"my ads/cpc\"") != std::string::npos);

  store.release(kFirst, "v \"1\"", now, now);
  const redis::Reply held =
      server.command({"FCALL_RO", "ringtrace_v1_show", "1", redis::lease_key("main", kFirst),
                      std::to_string(kFirst.digits())});
  CHECK(held.text.find("\"state\":\"held\"") != std::string::npos);
  CHECK(held.text.find("\"remaining_ms\":0") != std::string::npos);
  CHECK(server.command({"FCALL_RO", "ringtrace_v1_show", "1", redis::lease_key("main", kFirst), "1"})
            .text.empty());
}

TEST_CASE("the function library is loaded when absent, left when the same, replaced when another") {
  RedisServer server;
  const auto loaded = [](Client& client) {
    bool seen = false;
    while (client.lines.size() > 0)
      seen = client.lines.take().starts_with("event=redis_functions_loaded") || seen;
    return seen;
  };
  const auto options = Client::options_for(server.unix_endpoint());
  {
    Client first(options);
    first.start_and_wait();
    CHECK(loaded(first));
  }
  {
    Client second(options);
    second.start_and_wait();
    CHECK_FALSE(loaded(second));
  }
  server.command({"FUNCTION", "LOAD", "REPLACE",
                  "#!lua name=ringtrace_v1\nredis.register_function('ringtrace_v1_write_leases', function() "
                  "return 1 end)"});
  Client third(options);
  third.start_and_wait();
  CHECK(loaded(third));
}

TEST_CASE("two gateways that load the library at once both become ready") {
  RedisServer server;
  Client one(Client::options_for(server.unix_endpoint()));
  Client two(Client::options_for(server.unix_endpoint()));
  one.start();
  two.start();
  CHECK(one.wait_for(true).ready);
  CHECK(two.wait_for(true).ready);
}

TEST_CASE_METHOD(Fixture, "a library that was flushed comes back by itself") {
  server.command({"FUNCTION", "FLUSH"});
  CHECK(lend(kFirst, "v1").status == StoreStatus::kUnavailable);
  store.wait_until_back();
  CHECK(lend(kFirst, "v1").status == StoreStatus::kDone);
}

TEST_CASE("settings that lose leases are named") {
  RedisServer server({"--appendonly", "no", "--maxmemory-policy", "allkeys-lru"});
  Client client(Client::options_for(server.unix_endpoint()));
  client.start_and_wait();
  std::string all;
  while (client.lines.size() > 0) all += client.lines.take() + "\n";
  CHECK(all.find("name=maxmemory-policy value=\"allkeys-lru\" expected=\"noeviction\"") != std::string::npos);
  CHECK(all.find("name=appendonly value=\"no\" expected=\"yes\"") != std::string::npos);
}

}  // namespace
}  // namespace ringtrace::test
