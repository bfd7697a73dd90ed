#include "gateway/store_part.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <future>
#include <sstream>
#include <thread>

#include "gateway/clock.h"
#include "gateway/room_metrics.h"
#include "proto/from_pool.h"
#include "tests/redis/redis_server.h"

namespace ringtrace::gateway {
namespace {

using namespace std::chrono_literals;
using test::RedisServer;

pool::PoolsConfig three_numbers(pool::Duration hold) {
  pool::PoolsConfig config;
  pool::PoolConfig pool;
  pool.name = pool::PoolName::cut("main");
  for (const std::uint64_t digits : {74950000001U, 74950000002U, 74950000003U}) {
    pool.numbers.push_back(*pool::Number::from_digits(digits));
  }
  pool.fallback = *pool::Number::parse("+74950000009");
  pool.hold = hold;
  config.pools.push_back(pool);
  config.known_callers = 16;
  config.attribute_bytes = 1 << 16;
  return config;
}

/// Pools, leases and store of one gateway, with its loop on a thread.
class Life {
 public:
  explicit Life(const RedisServer& server, pool::Duration hold = 150s, std::string name = "gateway",
                const std::string& state_directory = "")
      : pools_(std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(three_numbers(hold)))) {
    Config config;
    config.name = std::move(name);
    config.pools = three_numbers(hold);
    RedisConfig& redis = config.redis.emplace();
    redis.address.socket_path = server.unix_endpoint().unix_path;
    redis.claim = 10s;
    redis.holder_retention = 24h;
    redis.connect_timeout = 2s;
    redis.command_timeout = 2s;
    redis.max_queue = 1024;
    config.events.retention = config.events.caller_retention = config.events.attributes_retention = 24h;
    config.events.max_length = 1000;
    config.events.spool_bytes = 1 << 20;
    config.state_directory = state_directory;
    config.sip.max_call_age = 4h;
    store_ =
        std::make_unique<StorePart>(io_, config, redis::CallerKey("key of a test"), clock_, *log_, readiness);
    leasing_ = std::make_unique<pool::Leasing>(*pools_, &store_->leases(), clock_);
    store_->start(
        *leasing_, [this] { settled_.set_value(); }, [this] { lost = true; });
    loop_ = std::thread([this] { io_.run(); });
  }

  ~Life() {
    io_.stop();
    loop_.join();
  }

  /// Waits until the leases are back, or Redis is known to be away.
  bool settled() { return settled_.get_future().wait_for(20s) == std::future_status::ready; }

  /// Ticks on the loop until the condition holds; false after 20 s.
  bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
      std::promise<void> ticked;
      boost::asio::post(io_, [&] {
        store_->tick();
        ticked.set_value();
      });
      ticked.get_future().wait();
      if (condition()) return true;
      std::this_thread::sleep_for(20ms);
    }
    return false;
  }

  pool::LeaseAnswer lease(const std::string& visit) {
    std::promise<pool::LeaseAnswer> answer;
    leasing_->lease({0}, {visit, "", "google/cpc", "attributes"}, std::nullopt, pool::AdmissionClass::kNormal,
                    [&](const pool::LeaseAnswer& given) { answer.set_value(given); });
    return answer.get_future().get();
  }

  void release(const std::string& visit) {
    std::promise<void> done;
    leasing_->release({0}, visit, [&](const pool::LeaseAnswer&) { done.set_value(); });
    done.get_future().wait();
    // The next one ends in a later millisecond.
    const pool::Time now = clock_.now();
    while (clock_.now() == now) std::this_thread::yield();
  }

  pool::LeaseAnswer get(const std::string& visit) const { return leasing_->get({0}, visit); }
  pool::ResolutionMethod method(pool::Number number) const {
    return pools_->resolve({number, {}, clock_.now()}).method;
  }
  StorePart& store() { return *store_; }
  pool::NumberPools& pools() { return *pools_; }
  pool::PoolCounts counts() const { return pools_->counts({0}, clock_.now()); }
  std::string reasons() const { return readiness.json(); }
  pool::Time now() const { return clock_.now(); }

  /// A gauge of the only pool; -1 when it is not told.
  double metric(const std::string& name) {
    Samples samples;
    add_aftermath_samples(*store_, *pools_, samples);
    for (const prometheus::MetricFamily& family : samples.take()) {
      if (family.name == name) return family.metric.at(0).gauge.value;
    }
    return -1;
  }

  /// The last thing a gateway does that is asked to end.
  void give_up() {
    boost::asio::post(io_, [this] { store_->give_up(); });
    CHECK(eventually([this] { return store_->is_flushed(); }));
  }

  Readiness readiness;
  std::atomic<bool> lost{false};

 private:
  std::ostringstream lines_;
  std::unique_ptr<Log> log_ = Log::to_stream(lines_, LogLevel::kInfo, 1024);
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  SteadyClock clock_;
  std::unique_ptr<pool::NumberPools> pools_;
  std::unique_ptr<pool::Leasing> leasing_;
  std::unique_ptr<StorePart> store_;  // goes first: what is unanswered then is answered to leasing_
  std::promise<void> settled_;
  std::thread loop_;
};

v1::CallEvent ringing(const std::string& call) {
  v1::CallEvent event;
  event.set_event_id(call + "-ringing");
  event.set_type(v1::CALL_EVENT_TYPE_RINGING);
  event.mutable_call()->set_call_id(call);
  *event.mutable_call()->mutable_start_time() = to_timestamp(SteadyClock().now());
  return event;
}

}  // namespace

TEST_CASE("a later process knows the leases, the holds and the free order of an earlier one") {
  const RedisServer server;
  std::map<std::string, pool::Number> numbers;
  {
    Life before(server, 0s);
    REQUIRE(before.settled());
    CHECK(before.readiness.is_ready());
    for (const char* visit : {"one", "two", "three"}) {
      const pool::LeaseAnswer answer = before.lease(visit);
      REQUIRE(answer.status == pool::LeaseStatus::kLeased);
      CHECK(answer.lease.durable);
      numbers[visit] = answer.number;
    }
    before.release("two");
    before.release("one");
  }
  SECTION("in order") {
    Life after(server, 0s);
    REQUIRE(after.settled());
    CHECK(after.get("three").number == numbers["three"]);
    CHECK(after.get("three").lease.durable);
    CHECK(after.lease("four").number == numbers["two"]);
    CHECK(after.lease("five").number == numbers["one"]);
  }
  SECTION("with the hold") {
    Life after(server, 150s);
    REQUIRE(after.settled());
    CHECK(after.method(numbers["two"]) == pool::ResolutionMethod::kHold);
    CHECK(after.lease("four").status == pool::LeaseStatus::kFallback);
  }
}

TEST_CASE("without Redis at the start leases are from memory, and durable once it comes") {
  RedisServer server({}, RedisServer::Start::kLater);
  pool::Number lent;
  {
    Life life(server);
    REQUIRE(life.settled());
    CHECK(life.reasons().find("store: not connected") != std::string::npos);
    const pool::LeaseAnswer lease = life.lease("one");
    REQUIRE(lease.status == pool::LeaseStatus::kLeased);
    CHECK_FALSE(lease.lease.durable);
    CHECK(life.store().is_flushed());
    lent = lease.number;

    server.start();
    CHECK(life.eventually([&] { return life.get("one").lease.durable; }));
    CHECK(life.readiness.is_ready());
  }
  Life after(server);
  REQUIRE(after.settled());
  CHECK(after.get("one").number == lent);
}

TEST_CASE("a second gateway on the same pool lends nothing, says whose it is, and takes over when it ends") {
  const RedisServer server;
  auto first = std::make_unique<Life>(server);
  REQUIRE(first->settled());
  const pool::Number lent = first->lease("one").number;
  Life second(server, 150s, "gateway-2");
  REQUIRE(second.eventually([&] { return second.store().is_foreign(); }));
  CHECK(second.reasons().find("pool main is leased by gateway since 20") != std::string::npos);
  CHECK(second.lease("two").status != pool::LeaseStatus::kLeased);
  CHECK(first->lease("three").lease.durable);

  first->give_up();
  first.reset();
  REQUIRE(second.settled());
  CHECK_FALSE(second.store().is_foreign());
  CHECK(second.get("one").number == lent);
  CHECK(second.get("three").lease.durable);
}

TEST_CASE("a gateway whose pools were taken over lends nothing more and is told to end") {
  const RedisServer server;
  Life first(server);
  REQUIRE(first.settled());
  REQUIRE(first.lease("one").lease.durable);
  // What a gateway does that waited until the claim had run out.
  server.command({"HSET", "rt:{main:0}:owner", "until", "0"});
  Life second(server, 150s, "gateway-2");
  REQUIRE(second.settled());
  CHECK(first.lease("two").status != pool::LeaseStatus::kLeased);
  CHECK(first.eventually([&] { return first.lost.load(); }));
  CHECK(first.reasons().find("pool main is leased by gateway-2 since 20") != std::string::npos);
  CHECK(second.lease("two").lease.durable);
}

TEST_CASE("what Redis forgot while the gateway lived is written again") {
  RedisServer server;
  pool::Number lent;
  {
    Life life(server);
    REQUIRE(life.settled());
    lent = life.lease("one").number;
    server.command({"FLUSHALL"});
    server.kill();
    server.start();
    REQUIRE(life.eventually([&] {
      return server.command({"EXISTS", "rt:{main:0}:lease_blocks"}).integer == 1;
    }));
    REQUIRE(life.eventually([&] { return life.store().is_flushed() && life.get("one").lease.durable; }));
    life.give_up();
  }
  Life after(server);
  REQUIRE(after.settled());
  CHECK(after.get("one").number == lent);
  CHECK(after.store().losses().empty());
}

TEST_CASE(
    "leases that Redis may have forgotten between two gateways are told with the reason, and held back") {
  RedisServer server({"--appendfsync", "everysec"});
  {
    Life life(server);
    REQUIRE(life.settled());
    life.give_up();
  }
  {
    Life life(server);
    REQUIRE(life.settled());
    CHECK(life.store().losses().empty());
    life.give_up();
  }
  server.kill();
  server.start();
  Life after(server);
  REQUIRE(after.settled());
  REQUIRE(after.store().losses().size() == 1);
  CHECK(after.store().losses()[0].loss == redis::Loss::kPossible);
  CHECK(after.store().losses()[0].reason.starts_with("Redis restarted"));
  CHECK(after.metric("ringtrace_pool_held_back_numbers") == 3);
  CHECK(after.metric("ringtrace_pool_held_back_until_seconds") >
        std::chrono::duration<double>(after.now().time_since_epoch()).count());
}

TEST_CASE("leases and ends made while Redis is away reach it when it is back") {
  RedisServer server;
  std::map<std::string, pool::Number> numbers;
  {
    Life life(server);
    REQUIRE(life.settled());
    numbers["ended"] = life.lease("ended").number;
    server.kill();
    REQUIRE(life.eventually([&] { return !life.readiness.is_ready(); }));
    life.release("ended");
    const pool::LeaseAnswer away = life.lease("away");
    CHECK_FALSE(away.lease.durable);
    numbers["away"] = away.number;

    server.start();
    REQUIRE(life.eventually([&] { return life.get("away").lease.durable && life.readiness.is_ready(); }));
    REQUIRE(life.eventually([&] { return life.store().is_flushed(); }));
  }
  Life after(server);
  REQUIRE(after.settled());
  CHECK(after.get("away").number == numbers["away"]);
  CHECK(after.method(numbers["ended"]) == pool::ResolutionMethod::kHold);
}

TEST_CASE("events that come while Redis is away are read when it is back") {
  RedisServer server({}, RedisServer::Start::kLater);
  Life life(server);
  REQUIRE(life.settled());
  std::atomic<int> grown{0};
  const auto watch = life.store().call_log().watch([&] { ++grown; });
  life.store().call_sink().record(ringing("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
  CHECK(life.store().spool_stats().waiting + life.store().call_log_stats().queued == 1);

  const auto read = [&] {
    std::promise<rpc::LogRead> answer;
    life.store().call_log().read_after("", 10, [&](rpc::LogRead page) { answer.set_value(std::move(page)); });
    return answer.get_future().get();
  };
  CHECK(read().status == rpc::LogStatus::kUnavailable);
  server.start();
  REQUIRE(life.eventually([&] { return life.store().call_log_stats().written == 1; }));
  const rpc::LogRead page = read();
  REQUIRE(page.status == rpc::LogStatus::kOk);
  REQUIRE(page.events.size() == 1);
  CHECK(page.events[0]->event_id() == "01ARZ3NDEKTSV4RRFFQ69G5FAV-ringing");
  CHECK(life.eventually([&] { return grown > 0; }));

  std::promise<rpc::LogEnd> end;
  life.store().call_log().latest_cursor([&](rpc::LogEnd given) { end.set_value(std::move(given)); });
  CHECK(end.get_future().get().cursor == page.events[0]->cursor());
}

TEST_CASE("what was said last of a number stands over the configuration in a later process") {
  const RedisServer server;
  const pool::Number listed = *pool::Number::parse("+74950000001");
  const pool::Number unlisted = *pool::Number::parse("+74950000051");
  const auto keep = [](Life& life, pool::Number number, rpc::NumberWord word) {
    std::promise<bool> kept;
    life.store().number_book().keep("main", {&number, 1}, word, [&](bool answer) { kept.set_value(answer); });
    return kept.get_future().get();
  };
  {
    Life life(server);
    REQUIRE(life.settled());
    REQUIRE(keep(life, unlisted, rpc::NumberWord::kAdded));
    REQUIRE(keep(life, listed, rpc::NumberWord::kDrained));
    life.pools().add_numbers({0}, {&unlisted, 1});
    life.pools().drain_numbers({0}, {&listed, 1});
    for (const char* visit : {"v-1", "v-2", "v-3"}) CHECK(life.lease(visit).lease.durable);
  }
  {
    Life later(server);
    REQUIRE(later.settled());
    CHECK(later.counts().total == 4);
    CHECK(later.counts().drained == 1);
    CHECK(later.counts().leased == 3);  // the lease of the added number is among them
    CHECK(later.method(unlisted) == pool::ResolutionMethod::kActiveLease);
    REQUIRE(keep(later, listed, rpc::NumberWord::kNothing));
  }
  Life last(server);
  REQUIRE(last.settled());
  CHECK(last.counts().drained == 0);
}

}  // namespace ringtrace::gateway
