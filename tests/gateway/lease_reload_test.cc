#include "gateway/lease_reload.h"

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <sstream>

#include "gateway/clock.h"
#include "redis/keys.h"
#include "tests/redis/store_fixture.h"

namespace ringtrace::gateway {
namespace {

using test::RedisServer;
using test::StoreClient;

constexpr std::uint64_t kFirstDigits = 74'950'000'000;

pool::Number number_at(std::uint64_t i) { return test::number(kFirstDigits + i); }

/// Leases of so many numbers, in one stroke: visit-0 has the first number, and so on.
void fill(const RedisServer& server, std::uint64_t count) {
  const std::int64_t start = test::present().time_since_epoch().count();
  const std::string text = "'" + std::to_string(start) + " 1800s 150s google/cpc - visit-' .. i";
  const std::string script = "for i = 0, " + std::to_string(count - 1) +
                             " do local digits = string.format('%d', " + std::to_string(kFirstDigits) +
                             " + i) local block = string.sub(digits, 1, -6) "
                             "redis.call('HSET', 'rt:{main:0}:leases:' .. block, string.sub(digits, -5), " +
                             text + ") redis.call('SADD', KEYS[1], block) end";
  CHECK_FALSE(server.command({"EVAL", script, "1", redis::blocks_key("main")}).is_error());
}

std::unique_ptr<pool::NumberPools> pools_of(std::uint64_t count) {
  pool::PoolConfig config;
  config.name = pool::PoolName::cut("main");
  for (std::uint64_t i = 0; i < count; ++i) config.numbers.push_back(number_at(i));
  config.on_exhausted = pool::OnExhausted::kRefuse;
  pool::PoolsConfig all;
  all.pools.push_back(config);
  return std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(all));
}

}  // namespace

TEST_CASE("a reload of many leases says how far it is, and every visit has its number again") {
  constexpr std::uint64_t kCount = LeaseReload::kProgress + LeaseReload::kTurn + 500;
  const RedisServer server;
  fill(server, kCount);
  StoreClient store(server);
  const auto pools = pools_of(kCount);
  const SteadyClock clock;
  std::ostringstream lines;
  auto log = Log::to_stream(lines, LogLevel::kInfo, 1024);
  test::Inbox<std::string> problems;
  const auto ends_nothing = [](std::string_view, pool::Number, std::string_view) {
    return std::optional<pool::Time>();
  };
  const auto reload =
      std::make_shared<LeaseReload>(store.client.loop().io(), store.store, *pools, clock, *log, ends_nothing,
                                    [&](const std::string& problem) { problems.put(problem); });
  boost::asio::post(store.client.loop().io(), [&] { reload->start(); });
  CHECK(problems.take().empty());
  store.client.loop().stop();
  reload->stop();

  CHECK(pools->counts({}, clock.now()).leased == kCount);
  for (const std::uint64_t i : {std::uint64_t{0}, kCount / 2, kCount - 1}) {
    const auto lease = pools->find_lease({}, "visit-" + std::to_string(i), clock.now());
    REQUIRE(lease);
    CHECK(lease->number == number_at(i));
  }
  log.reset();
  const std::string of = "of=" + std::to_string(kCount);
  CHECK_THAT(lines.str(), Catch::Contains("reading leases pool=main read=100") &&
                              Catch::Contains("taking leases over pool=main done=100000 " + of) &&
                              Catch::Contains("live=" + std::to_string(kCount)));
}

}  // namespace ringtrace::gateway
