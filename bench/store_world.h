#pragma once

#include <hiredis/hiredis.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "redis/claims.h"
#include "redis/functions.h"
#include "redis/lease_store.h"
#include "tests/redis/redis_server.h"

namespace ringtrace::bench {

inline constexpr std::string_view kPool = "main";
inline constexpr std::uint64_t kFirstNumber = 74'950'000'000;

/// Neighbours in time are not neighbours in the pool: the longest idle number is anywhere.
inline pool::Number number_at(std::uint64_t i, std::uint64_t count) {
  constexpr std::uint64_t kStride = 7'919;  // a prime that divides no count used here
  return *pool::Number::from_digits(kFirstNumber + i * kStride % count);
}

inline pool::Time present() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// What a website's visit looks like: ids as UUIDs have them, a source.
inline pool::LeaseRecord record_at(std::uint64_t i, std::uint64_t count, pool::Time now) {
  char visit[64];
  std::snprintf(visit, sizeof visit, "%08x-7c4e-4b1f-9d2a-%012llx", static_cast<unsigned>(i * 2'654'435'761U),
                static_cast<unsigned long long>(i));
  pool::LeaseRecord record;
  record.pool = kPool;
  record.number = number_at(i, count);
  record.visit_id = visit;
  record.source = "google/cpc";
  record.start = now;
  record.expire = now + std::chrono::minutes(30);
  record.hold = std::chrono::seconds(150);
  return record;
}

/// A connection with its claim and store, run by whoever calls `run_until`.
class StoreWorld {
 public:
  explicit StoreWorld(const test::RedisServer& server, int replicas = 0)
      : connection(io, options_for(server), redis::prepare_server({}), {}),
        claims(connection, claim(), {}),
        store(connection, claims, {.replicas = replicas}) {
    bool ours = false;
    claims.on_state([this, &ours] { ours = claims.state() == redis::Claims::State::kOurs; });
    connection.start();
    run_until([&] { return ours; });
  }

  /// Turns the loop until the condition holds.
  template <typename Condition>
  void run_until(Condition condition) {
    while (!condition()) io.run_one();
  }

  boost::asio::io_context io;
  redis::Connection connection;
  redis::Claims claims;
  redis::RedisLeaseStore store;

 private:
  static redis::ConnectionOptions options_for(const test::RedisServer& server) {
    redis::ConnectionOptions options;
    options.endpoint = server.unix_endpoint();
    options.command_timeout = std::chrono::seconds(60);
    return options;
  }
  static redis::ClaimOptions claim() {
    redis::ClaimOptions options;
    options.pools = {std::string(kPool)};
    return options;
  }
};

/// What is lent, and how.
struct Lending {
  std::uint64_t count = 0;
  std::uint64_t depth = 1;  ///< requests under way
  pool::Time now = present();
  /// Changes each lease; none: as record_at made it.
  std::function<void(pool::LeaseRecord&)> change{};
  std::vector<double>* latencies = nullptr;  ///< gets each lease's own time in microseconds
};

/// Lends numbers; seconds taken, without the making of what is asked for.
inline double lend_all(StoreWorld& world, const Lending& plan) {
  using Clock = std::chrono::steady_clock;
  std::vector<pool::LeaseRecord> records(plan.count);
  for (std::uint64_t i = 0; i < plan.count; ++i) {
    records[i] = record_at(i, plan.count, plan.now);
    if (plan.change) plan.change(records[i]);
  }
  std::uint64_t sent = 0;
  std::uint64_t done = 0;
  const std::function<void()> lend = [&] {
    const auto begin = Clock::now();
    world.store.lease(std::move(records[sent++]), plan.now, [&, begin](const pool::StoreReply& reply) {
      if (reply.status != pool::StoreStatus::kDone) throw std::runtime_error("refused: " + reply.detail);
      if (plan.latencies != nullptr) {
        plan.latencies->push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
      }
      ++done;
      if (sent < plan.count) lend();
    });
  };
  const auto begin = Clock::now();
  while (sent < std::min(plan.depth, plan.count)) lend();
  world.run_until([&] { return done == plan.count; });
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// A connection that waits for each reply, as a script of one's own has it.
class PlainClient {
 public:
  explicit PlainClient(const test::RedisServer& server)
      : context_(redisConnectUnix(server.unix_endpoint().unix_path.c_str()), redisFree) {}

  using ReplyPtr = std::unique_ptr<redisReply, void (*)(void*)>;

  ReplyPtr run(const std::vector<std::string>& arguments) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string& argument : arguments) {
      texts.push_back(argument.data());
      sizes.push_back(argument.size());
    }
    ReplyPtr reply(static_cast<redisReply*>(redisCommandArgv(context_.get(), static_cast<int>(texts.size()),
                                                             texts.data(), sizes.data())),
                   freeReplyObject);
    if (reply == nullptr || reply->type == REDIS_REPLY_ERROR) {
      throw std::runtime_error(reply == nullptr ? "no answer" : reply->str);
    }
    return reply;
  }

 private:
  std::unique_ptr<redisContext, void (*)(redisContext*)> context_;
};

/// "used_memory" of INFO.
inline double used_memory(const test::RedisServer& server) {
  const std::string info = server.command({"INFO", "memory"}).text;
  return std::stod(info.substr(info.find("used_memory:") + 12));
}

}  // namespace ringtrace::bench
