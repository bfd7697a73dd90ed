#include "gateway/late_resolution.h"

#include <catch2/catch.hpp>

#include "gateway/late_attribution.h"
#include "proto/from_pool.h"
#include "redis/lease_text.h"

namespace ringtrace::gateway {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Page = redis::HolderPage;

const pool::Time kCallTime{hours(500'000)};

pool::PoolConfig pool_config() {
  pool::PoolConfig config;
  config.name = pool::PoolName::cut("main");
  config.numbers = {*pool::Number::parse("+12025550101")};
  config.fallback = *pool::Number::parse("+12025550100");
  config.hold = seconds(150);
  return config;
}

redis::Holder holder(const std::string& visit, pool::Duration shown_ago, pool::Duration ended_ago,
                     const std::string& source = "google/cpc") {
  return {visit, "", source, kCallTime - shown_ago, kCallTime - ended_ago, false, ""};
}

void add_candidate(v1::Resolution& resolution, const redis::Holder& holder, double weight) {
  v1::Candidate& candidate = *resolution.add_candidates();
  candidate.set_visit_id(holder.visit_id);
  candidate.set_source(holder.source);
  *candidate.mutable_shown_time() = to_timestamp(holder.shown);
  *candidate.mutable_end_time() = to_timestamp(holder.end);
  candidate.set_weight(weight);
}

/// What memory answered: `last` alone, with the given method.
v1::Resolution first_answer(v1::ResolutionMethod method, const redis::Holder& last, double weight) {
  v1::Resolution first;
  first.set_method(method);
  first.set_pool("pools/main");
  first.mutable_visit()->set_visit_id(last.visit_id);
  first.mutable_visit()->mutable_attributes()->set_utm_source("google");
  first.set_source(last.source);
  first.set_confidence(weight);
  first.set_none_weight(1 - weight);
  add_candidate(first, last, weight);
  return first;
}

double total_weight(const v1::Resolution& resolution) {
  double total = resolution.none_weight();
  for (const v1::Candidate& candidate : resolution.candidates()) total += candidate.weight();
  return total;
}

}  // namespace

TEST_CASE("holders that memory had forgotten become candidates, and the weights add up to one again") {
  const redis::Holder now = holder("now", minutes(2), -minutes(20));
  const redis::Holder before = holder("before", minutes(50), minutes(30));
  const redis::Holder future = holder("future", -minutes(1), -minutes(30));
  const auto first = first_answer(v1::RESOLUTION_METHOD_ACTIVE_LEASE, now, 0.99);

  const auto better = complete_resolution(first, {future, now, before}, pool_config(), kCallTime);

  REQUIRE(better.has_value());
  CHECK(better->method() == v1::RESOLUTION_METHOD_ACTIVE_LEASE);
  CHECK(better->visit().visit_id() == "now");
  CHECK(better->visit().attributes().utm_source() == "google");
  REQUIRE(better->candidates_size() == 2);
  CHECK(better->candidates(0).visit_id() == "now");
  CHECK(better->candidates(1).visit_id() == "before");
  CHECK(better->confidence() == better->candidates(0).weight());
  CHECK(better->confidence() < 0.99);
  CHECK(total_weight(*better) == Approx(1.0));
}

TEST_CASE("the visitor of a visit that memory had forgotten comes from the holder log") {
  const redis::Holder before = holder("before", minutes(50), minutes(30));
  const auto first = first_answer(v1::RESOLUTION_METHOD_ACTIVE_LEASE, before, 0.99);
  redis::Holder now = holder("now", minutes(2), -minutes(20));
  now.visitor_id = "browser-1";
  const auto better = complete_resolution(first, {now, before}, pool_config(), kCallTime);
  REQUIRE(better.has_value());
  CHECK(better->visit().visit_id() == "now");
  CHECK(better->visit().visitor_id() == "browser-1");
}

TEST_CASE("what a visit brought and memory had no room for comes from the store") {
  redis::Holder now = holder("now", minutes(2), -minutes(20));
  auto first = first_answer(v1::RESOLUTION_METHOD_ACTIVE_LEASE, now, 0.99);
  first.mutable_visit()->clear_attributes();
  CHECK_FALSE(complete_resolution(first, {now}, pool_config(), kCallTime).has_value());

  v1::VisitAttributes attributes;
  attributes.set_utm_source("yandex");
  now.attributes_json = redis::attributes_to_json(attributes.SerializeAsString());
  now.visitor_id = "browser-1";
  const auto better = complete_resolution(first, {now}, pool_config(), kCallTime);
  REQUIRE(better.has_value());
  CHECK(better->method() == v1::RESOLUTION_METHOD_ACTIVE_LEASE);
  CHECK(better->visit().visit_id() == "now");
  CHECK(better->visit().visitor_id() == "browser-1");
  CHECK(better->visit().attributes().utm_source() == "yandex");
  CHECK_FALSE(complete_resolution(*better, {now}, pool_config(), kCallTime).has_value());

  now.attributes_json = "not attributes";
  CHECK_FALSE(complete_resolution(first, {now}, pool_config(), kCallTime)->visit().has_attributes());
}

TEST_CASE("an answer that was complete is left alone, and so are numbers that are not lent") {
  const redis::Holder now = holder("now", minutes(2), -minutes(20));
  const auto first = first_answer(v1::RESOLUTION_METHOD_ACTIVE_LEASE, now, 0.99);
  CHECK_FALSE(complete_resolution(first, {now}, pool_config(), kCallTime).has_value());
  CHECK_FALSE(complete_resolution(first, {}, pool_config(), kCallTime).has_value());

  v1::Resolution fallback;
  fallback.set_method(v1::RESOLUTION_METHOD_FALLBACK);
  CHECK_FALSE(complete_resolution(fallback, {now}, pool_config(), kCallTime).has_value());
  v1::Resolution billboard;
  billboard.set_method(v1::RESOLUTION_METHOD_STATIC_SOURCE);
  CHECK_FALSE(complete_resolution(billboard, {now}, pool_config(), kCallTime).has_value());
}

TEST_CASE("a call before the leases were reloaded gets its visit from the store") {
  v1::Resolution none;
  none.set_method(v1::RESOLUTION_METHOD_NONE);
  none.set_pool("pools/main");
  SECTION("who holds the number") {
    const auto better =
        complete_resolution(none, {holder("now", minutes(2), -minutes(20))}, pool_config(), kCallTime);
    REQUIRE(better.has_value());
    CHECK(better->method() == v1::RESOLUTION_METHOD_ACTIVE_LEASE);
    CHECK(better->visit().visit_id() == "now");
    CHECK(better->source() == "google/cpc");
  }
  SECTION("whose hold it is") {
    const auto better =
        complete_resolution(none, {holder("held", minutes(9), seconds(149))}, pool_config(), kCallTime);
    REQUIRE(better.has_value());
    CHECK(better->method() == v1::RESOLUTION_METHOD_HOLD);
  }
  SECTION("who most likely called, when the hold is over") {
    const auto better = complete_resolution(
        none, {holder("weak", minutes(20), minutes(10)), holder("strong", minutes(30), minutes(20), "mail")},
        [] {
          pool::PoolConfig config = pool_config();
          config.attribution.propensities = {{pool::Source::cut("mail"), 0.9}};
          return config;
        }(),
        kCallTime);
    REQUIRE(better.has_value());
    CHECK(better->method() == v1::RESOLUTION_METHOD_HOLDER_LOG);
    CHECK(better->visit().visit_id() == "strong");
    CHECK(better->confidence() == better->candidates(0).weight());
  }
}

TEST_CASE("a lease only memory knows stays a candidate") {
  const redis::Holder memory_only = holder("memory", minutes(1), -minutes(29));
  const auto first = first_answer(v1::RESOLUTION_METHOD_ACTIVE_LEASE, memory_only, 0.99);
  const auto better =
      complete_resolution(first, {holder("stored", hours(2), hours(1))}, pool_config(), kCallTime);
  REQUIRE(better.has_value());
  CHECK(better->visit().visit_id() == "memory");
  CHECK(better->candidates_size() == 2);
}

TEST_CASE("a returning caller stays who it was; only the list grows") {
  const redis::Holder own = holder("own", hours(90), hours(89));
  const auto first = first_answer(v1::RESOLUTION_METHOD_RETURNING_CALLER, own, 0.8);
  const auto better =
      complete_resolution(first, {holder("now", minutes(2), -minutes(20))}, pool_config(), kCallTime);
  REQUIRE(better.has_value());
  CHECK(better->method() == v1::RESOLUTION_METHOD_RETURNING_CALLER);
  CHECK(better->visit().visit_id() == "own");
  CHECK(better->confidence() == Approx(0.8));
  REQUIRE(better->candidates_size() == 2);
  CHECK(better->candidates(0).weight() == Approx(0.8));
  CHECK(better->candidates(1).weight() == 0);
}

// --- asking and telling

namespace {

std::unique_ptr<pool::NumberPools> make_pools() {
  pool::PoolsConfig config;
  config.pools = {pool_config()};
  config.known_callers = 16;
  config.attribute_bytes = 1 << 16;
  return std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(config));
}

/// A late attribution whose store is the test's.
struct Desk {
  struct Question {
    std::string pool;
    pool::Number dialed;
    redis::HolderLog::Done done;
  };

  v1::CallEvent pass(v1::CallEventType type, const std::string& word, const std::string& call = "call",
                     v1::ResolutionMethod method = v1::RESOLUTION_METHOD_ACTIVE_LEASE) {
    v1::CallEvent event;
    event.set_event_id(call + "-" + word);
    event.set_type(type);
    event.mutable_call()->set_call_id(call);
    event.mutable_call()->set_dialed_number("+12025550101");
    *event.mutable_call()->mutable_start_time() = to_timestamp(kCallTime);
    *event.mutable_call()->mutable_resolution() =
        first_answer(method, holder("now", minutes(2), -minutes(20)), 0.99);
    const auto better = late.pass(event.SerializeAsString());
    if (better) REQUIRE(event.ParseFromString(*better));
    return event;
  }

  void answer(Page::Status status, std::vector<redis::Holder> holders = {}) {
    const auto question = std::move(questions.front());
    questions.erase(questions.begin());
    question.done({status, std::move(holders), ""});
  }

  std::unique_ptr<pool::NumberPools> pools = make_pools();
  std::vector<Question> questions;
  std::vector<v1::CallEvent> told;
  bool has_room = true;
  LateAttribution late{
      *pools,
      [this](const std::string& pool, pool::Number dialed, pool::Time, redis::HolderLog::Done done) {
        questions.push_back({pool, dialed, std::move(done)});
      },
      [this](const v1::CallEvent& event) {
        if (!has_room) return false;
        told.push_back(event);
        return true;
      },
      [] { return kCallTime + minutes(3); }};
};

const std::vector<redis::Holder> kBoth = {holder("now", minutes(2), -minutes(20)),
                                          holder("before", minutes(50), minutes(30))};

}  // namespace

TEST_CASE("a better answer is told once, and the call's later events carry it") {
  Desk desk;
  desk.pass(v1::CALL_EVENT_TYPE_RINGING, "ringing");
  desk.late.ask();
  REQUIRE(desk.questions.size() == 1);
  CHECK(desk.questions[0].pool == "main");
  CHECK(desk.questions[0].dialed.to_string() == "+12025550101");
  CHECK(desk.late.stats().waiting == 1);
  desk.answer(Page::Status::kDone, kBoth);

  REQUIRE(desk.told.size() == 1);
  CHECK(desk.told[0].event_id() == "call-attribution_updated-1");
  CHECK(desk.told[0].attribution_updated().revision() == 1);
  CHECK(desk.told[0].attribution_updated().previous_resolution().candidates_size() == 1);
  CHECK(from_timestamp(desk.told[0].event_time()) == kCallTime + minutes(3));
  CHECK(desk.told[0].type() == v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED);
  CHECK(desk.told[0].call().resolution().candidates_size() == 2);
  const v1::CallEvent ended = desk.pass(v1::CALL_EVENT_TYPE_ENDED, "ended");
  CHECK(ended.call().resolution().candidates_size() == 2);
  desk.late.ask();
  CHECK(desk.questions.empty());
  CHECK(desk.late.stats().updated == 1);
  CHECK(desk.late.stats().waiting == 0);
}

TEST_CASE("while the store is away the question waits, also beyond the call's end") {
  Desk desk;
  desk.pass(v1::CALL_EVENT_TYPE_RINGING, "ringing");
  desk.late.ask();
  desk.answer(Page::Status::kUnavailable);
  desk.pass(v1::CALL_EVENT_TYPE_ENDED, "ended");
  CHECK(desk.told.empty());
  CHECK(desk.late.stats().waiting == 1);
  desk.late.ask();
  desk.answer(Page::Status::kDone, kBoth);
  REQUIRE(desk.told.size() == 1);
  CHECK(desk.told[0].call().resolution().candidates_size() == 2);
  CHECK(desk.late.stats().waiting == 0);
}

TEST_CASE("an answer that the log has no room for is asked for again") {
  Desk desk;
  desk.has_room = false;
  desk.pass(v1::CALL_EVENT_TYPE_ENDED, "ended");
  desk.late.ask();
  desk.answer(Page::Status::kDone, kBoth);
  CHECK(desk.late.stats().waiting == 1);
  desk.has_room = true;
  desk.late.ask();
  desk.answer(Page::Status::kDone, kBoth);
  CHECK(desk.told.size() == 1);
  CHECK(desk.late.stats().waiting == 0);
  CHECK(desk.late.stats().dropped == 0);
}

TEST_CASE("more calls than may be asked about at one time are asked about as answers come") {
  Desk desk;
  const std::size_t calls = 2 * LateAttribution::kMostAsked;
  for (std::size_t i = 0; i < calls; ++i)
    desk.pass(v1::CALL_EVENT_TYPE_ENDED, "ended", "c" + std::to_string(i));
  desk.late.ask();
  CHECK(desk.questions.size() == LateAttribution::kMostAsked);
  for (std::size_t i = 0; i < calls; ++i) desk.answer(Page::Status::kDone, kBoth);
  CHECK(desk.told.size() == calls);
}

TEST_CASE("nobody is asked about a call to a number that is never lent") {
  Desk desk;
  desk.pass(v1::CALL_EVENT_TYPE_RINGING, "ringing", "c1", v1::RESOLUTION_METHOD_STATIC_SOURCE);
  desk.pass(v1::CALL_EVENT_TYPE_RINGING, "ringing", "c2", v1::RESOLUTION_METHOD_FALLBACK);
  desk.late.ask();
  CHECK(desk.questions.empty());
  CHECK(desk.late.stats().waiting == 0);
}

TEST_CASE("a call whose first answer was complete is confirmed and told nothing more") {
  Desk desk;
  desk.pass(v1::CALL_EVENT_TYPE_ENDED, "ended");
  desk.late.ask();
  desk.answer(Page::Status::kDone, {kBoth.front()});
  CHECK(desk.told.empty());
  CHECK(desk.late.stats().confirmed == 1);
}

}  // namespace ringtrace::gateway
