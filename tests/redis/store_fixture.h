#pragma once

#include <ringtrace/v1/visit.pb.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "redis/lease_store.h"
#include "tests/redis/redis_server.h"
#include "tests/redis/support.h"

namespace ringtrace::test {

using pool::Number;
using pool::StoreReply;
using pool::StoreStatus;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

inline Number number(std::uint64_t digits) { return *Number::from_digits(digits); }

inline const Number kFirst = number(74'950'000'001);
inline const Number kSecond = number(74'950'000'002);

inline pool::LeaseRecord record_of(Number which, std::string visit, pool::Time start, pool::Time expire) {
  pool::LeaseRecord record;
  record.pool = "main";
  record.number = which;
  record.visitor_id = "browser of " + visit;
  record.visit_id = std::move(visit);
  record.source = "my ads/cpc";
  record.start = start;
  record.expire = expire;
  record.hold = minutes(5);
  return record;
}

/// A claim of the pools of these tests.
inline redis::ClaimOptions claim_of(std::string name, milliseconds length = seconds(30)) {
  redis::ClaimOptions options;
  options.pools = {"main", "main2"};
  options.name = std::move(name);
  options.length = length;
  return options;
}

/// A lease store on a connection, with each write waited for.
class StoreClient {
 public:
  explicit StoreClient(redis::ConnectionOptions options, redis::ClaimOptions claim = claim_of("gateway"),
                       redis::LeaseStoreOptions store_options = {})
      : client(std::move(options)),
        claims(client.connection(), std::move(claim),
               [this](redis::LogLevel, std::string_view line) { client.lines.put(std::string(line)); }),
        store(client.connection(), claims, store_options) {
    claims.on_claimed([this](const redis::Claim& got) { claimed.put(got); });
    claims.on_state([this] { states.put(claims.state()); });
  }
  explicit StoreClient(const RedisServer& server, redis::LeaseStoreOptions store_options = {})
      : StoreClient(Client::options_for(server.unix_endpoint()), claim_of("gateway"), store_options) {
    start_and_wait();
  }
  ~StoreClient() { client.loop().stop(); }

  /// Returns when the pools are ours.
  void start_and_wait() {
    client.start_and_wait();
    wait_for(redis::Claims::State::kOurs);
  }

  /// Takes states until one is as asked; throws when none is in time, however many others come.
  void wait_for(redis::Claims::State state) {
    const auto deadline = std::chrono::steady_clock::now() + 2 * kPatience;
    while (states.take() != state) {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the pools did not come");
    }
  }

  /// Returns when the store is back and the pools are claimed anew, before which it takes no writes.
  void wait_until_back() {
    client.wait_for(true);
    while (!claimed.take().again) {
    }
  }

  StoreReply lease(pool::LeaseRecord record, pool::Time now) {
    return wait([&](auto done) { store.lease(std::move(record), now, done); });
  }
  StoreReply renew(pool::LeaseRecord record, pool::Time now) {
    return wait([&](auto done) { store.renew(std::move(record), now, done); });
  }
  StoreReply release(Number which, std::string visit, pool::Time end, pool::Time now) {
    return wait([&](auto done) { store.release({"main", which, std::move(visit), end}, now, done); });
  }
  StoreReply expire(Number which, std::string visit, pool::Time end, pool::Time now) {
    return wait([&](auto done) { store.expire({"main", which, std::move(visit), end}, now, done); });
  }

  /// Everything in the store, by end time.
  std::pair<redis::LoadResult, std::vector<redis::LoadedLease>> load() {
    std::vector<redis::LoadedLease> leases;
    Inbox<redis::LoadResult> results;
    store.load(
        "main",
        [&](std::vector<redis::LoadedLease> batch) {
          std::move(batch.begin(), batch.end(), std::back_inserter(leases));
        },
        [&](const redis::LoadResult& result) { results.put(result); });
    const redis::LoadResult result = results.take();
    std::sort(leases.begin(), leases.end(), [](const auto& a, const auto& b) {
      return std::pair(a.end(), a.number.digits()) < std::pair(b.end(), b.number.digits());
    });
    return {result, std::move(leases)};
  }

  template <typename Call>
  StoreReply wait(const Call& call) {
    Inbox<StoreReply> replies;
    call([&replies](const StoreReply& reply) { replies.put(reply); });
    return replies.take();
  }

  Client client;
  Inbox<redis::Claim> claimed;
  Inbox<redis::Claims::State> states;
  redis::Claims claims;
  redis::RedisLeaseStore store;
};

}  // namespace ringtrace::test
