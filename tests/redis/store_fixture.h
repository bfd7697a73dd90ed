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

/// The machine's clock once: expiries of keys are real, so tests of the store stand near the present.
inline pool::Time present() { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }

inline pool::LeaseRecord record_of(Number which, std::string visit, pool::Time start, pool::Time expire) {
  pool::LeaseRecord record;
  record.pool = "main";
  record.number = which;
  record.visit_id = std::move(visit);
  record.visitor_id = "browser 7";
  record.source = "my ads/cpc";
  record.start = start;
  record.expire = expire;
  record.hold = minutes(5);
  return record;
}

/// A lease store on a connection, with each write waited for.
class StoreClient {
 public:
  explicit StoreClient(redis::ConnectionOptions options)
      : client(std::move(options)), store(client.connection()) {}
  explicit StoreClient(const RedisServer& server) : StoreClient(Client::options_for(server.unix_endpoint())) {
    client.start_and_wait();
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
  redis::RedisLeaseStore store;
};

}  // namespace ringtrace::test
