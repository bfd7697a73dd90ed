#include "gateway/number_changes.h"

#include <catch2/catch.hpp>
#include <memory>
#include <sstream>
#include <variant>

#include "gateway/log.h"

namespace ringtrace::gateway {
namespace {

using pool::Number;
using Numbers = std::vector<Number>;

Number number(std::uint64_t last) { return *Number::parse("+120255501" + std::to_string(last)); }

pool::PoolConfig pool_of(std::string_view name, Numbers numbers) {
  pool::PoolConfig pool;
  pool.name = pool::PoolName::cut(name);
  pool.numbers = std::move(numbers);
  pool.on_exhausted = pool::OnExhausted::kRefuse;
  return pool;
}

}  // namespace

TEST_CASE("a fresh file's numbers are compared pool by pool, by name") {
  pool::PoolsConfig running;
  running.pools = {pool_of("a", {number(11), number(10)}), pool_of("b", {number(20)}),
                   pool_of("gone", {number(30)})};
  pool::PoolsConfig fresh;
  fresh.pools = {pool_of("b", {number(21), number(20), number(22)}), pool_of("a", {number(10), number(11)}),
                 pool_of("new", {number(40)})};
  CHECK(number_changes(running, running).empty());

  const auto changes = number_changes(running, fresh);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].pool == pool::PoolIndex{1});
  CHECK(changes[0].added == Numbers{number(21), number(22)});
  CHECK(changes[0].drained.empty());

  const auto back = number_changes(fresh, running);
  REQUIRE(back.size() == 1);
  CHECK(back[0].pool == pool::PoolIndex{0});
  CHECK(back[0].drained == Numbers{number(21), number(22)});
}

TEST_CASE("of changes that wait the later word stands, and the store's over both") {
  NumberChanges changes{{}, {number(10), number(11)}, {number(20), number(21)}};
  changes.follow_with({{}, {number(20)}, {number(10), number(22)}});
  CHECK(changes.added == Numbers{number(11), number(20)});
  CHECK(changes.drained == Numbers{number(10), number(21), number(22)});
  changes.leave_out({number(11), number(22)});
  CHECK(changes.added == Numbers{number(20)});
  CHECK(changes.drained == Numbers{number(10), number(21)});
  changes.leave_out({number(10), number(20), number(21)});
  CHECK(changes.empty());
}

TEST_CASE("changes are made in the running pools, and what cannot be is told") {
  pool::PoolsConfig config;
  config.pools = {pool_of("a", {number(10), number(11)}), pool_of("b", {number(20)})};
  const auto made = pool::NumberPools::create(config);
  pool::NumberPools& pools = *std::get<std::unique_ptr<pool::NumberPools>>(made);
  std::ostringstream lines;
  auto log = Log::to_stream(lines, LogLevel::kInfo, 10);
  apply({{0}, {number(12), number(20)}, {number(10)}}, pools, *log);
  log.reset();  // has written everything
  CHECK(pools.counts({0}, {}).total == 3);
  CHECK(pools.counts({0}, {}).drained == 1);
  CHECK(pools.counts({1}, {}).total == 1);
  CHECK(lines.str().find("info numbers taken over pool=a added=1 drained=1") != std::string::npos);
  CHECK(lines.str().find("need a restart pool=a numbers=1") != std::string::npos);
}

}  // namespace ringtrace::gateway
