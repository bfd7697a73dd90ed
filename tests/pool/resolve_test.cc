#include <catch2/catch.hpp>

#include "tests/pool/pool_fixture.h"

namespace ringtrace::pool::testing {
namespace {

const Number kAnn = *Number::from_digits(79161111111ULL);

double sum_of_weights(const Resolution& answer) {
  double sum = answer.none_weight;
  for (const Candidate& candidate : answer.candidates()) sum += candidate.weight;
  return sum;
}

TEST_CASE("a call to a number is from the visit that holds it, as surely as its weight says") {
  OnePool pool(1);
  const Number lent = pool.lend("a", at(seconds(0))).number;
  const Resolution answer = pool.resolve(lent, at(seconds(30)));
  CHECK(answer.method == ResolutionMethod::kActiveLease);
  CHECK(answer.pool.view() == "main");
  CHECK(answer.visit.view() == "a");
  CHECK(answer.source.view() == "google/cpc");
  REQUIRE(answer.candidates().size() == 1);
  CHECK(answer.confidence == answer.candidates()[0].weight);
  CHECK(answer.confidence > 0.9);
  CHECK(sum_of_weights(answer) == Approx(1));
  CHECK(answer.candidates()[0].shown == at(seconds(0)));
  CHECK(answer.candidates()[0].end == at(minutes(30)));
}

TEST_CASE("a lease past its expiry is in its hold though nobody has advanced") {
  OnePool pool(1);
  const Number lent = pool.lend("a", at(seconds(0)), minutes(1)).number;
  CHECK(pool.resolve(lent, at(minutes(1) - milliseconds(1))).method == ResolutionMethod::kActiveLease);
  CHECK(pool.resolve(lent, at(minutes(1))).method == ResolutionMethod::kHold);
  CHECK(pool.resolve(lent, at(hours(3))).method == ResolutionMethod::kHold);
  CHECK(pool.resolve(lent, at(hours(3))).confidence < 0.1);
}

TEST_CASE("a call long after the last lease is nobody's") {
  OnePool pool(1);
  const Number lent = pool.lend("a", at(seconds(0)), minutes(1)).number;
  const Resolution answer = pool.resolve(lent, at(hours(24 * 31)));
  CHECK(answer.method == ResolutionMethod::kNone);
  CHECK(answer.none_weight == 1);
  CHECK(answer.pool.view() == "main");
}

TEST_CASE("a reused number names the present holder and lists the last ones") {
  OnePool pool(1);
  const char* visits[] = {"a", "b", "c", "d", "e", "f"};
  for (int i = 0; i < 6; ++i) pool.lend(visits[i], at(minutes(5 * i)), minutes(1));
  const Resolution answer = pool.resolve(number(0), at(minutes(25) + seconds(10)));
  CHECK(answer.method == ResolutionMethod::kActiveLease);
  CHECK(answer.visit.view() == "f");
  REQUIRE(answer.candidates().size() == 4);
  CHECK(answer.candidates()[0].visit.view() == "f");
  CHECK(answer.candidates()[1].visit.view() == "e");
  CHECK(sum_of_weights(answer) == Approx(1));
}

TEST_CASE("after the hold the heaviest candidate answers") {
  PoolConfig config = pool_config(1);
  config.attribution.propensities = {{Source::cut("mail"), 0.9}, {Source::cut("social"), 0.001}};
  OnePool pool(config);
  pool.lend(VisitView{"a", "", "mail", ""}, at(seconds(0)), minutes(1));
  pool.lend(VisitView{"b", "", "social", ""}, at(minutes(5)), minutes(1));
  CHECK(pool.resolve(number(0), at(minutes(7))).method == ResolutionMethod::kHold);
  CHECK(pool.resolve(number(0), at(minutes(7))).visit.view() == "b");
  const Resolution late = pool.resolve(number(0), at(minutes(20)));
  CHECK(late.method == ResolutionMethod::kHolderLog);
  CHECK(late.visit.view() == "a");
  CHECK(late.source.view() == "mail");
}

TEST_CASE("a call is resolved as of its own time") {
  OnePool pool(1);
  pool.lend("a", at(seconds(0)), minutes(1));
  pool.lend("b", at(minutes(10)));
  CHECK(pool.resolve(number(0), at(seconds(30))).visit.view() == "a");
  CHECK(pool.resolve(number(0), at(seconds(30))).method == ResolutionMethod::kActiveLease);
}

TEST_CASE("a known caller never inherits a stranger's visit") {
  OnePool pool(1);
  pool.lend("a", at(seconds(0)), minutes(1));
  REQUIRE(pool.call(number(0), at(seconds(30)), kAnn).visit.view() == "a");
  pool.lend("b", at(minutes(10)));
  const Resolution answer = pool.call(number(0), at(minutes(11)), kAnn);
  CHECK(answer.method == ResolutionMethod::kReturningCaller);
  CHECK(answer.visit.view() == "a");
  CHECK(answer.confidence > 0.9);
  REQUIRE(answer.candidates().size() == 2);
  CHECK(answer.candidates()[1].visit.view() == "b");
  CHECK(answer.candidates()[1].weight == 0);
  CHECK(sum_of_weights(answer) == Approx(1));
  CHECK(pool.resolve(number(0), at(minutes(11))).visit.view() == "b");
  CHECK(pool.resolve(number(0), at(minutes(11)), *Number::from_digits(79162222222ULL)).visit.view() == "b");

  const auto methods = pool.pools->resolutions();
  CHECK(methods[static_cast<std::size_t>(ResolutionMethod::kActiveLease)] == 1);
  CHECK(methods[static_cast<std::size_t>(ResolutionMethod::kReturningCaller)] == 1);
}

TEST_CASE("a caller who was forgotten is a stranger, and the others are known") {
  OnePool pool(1);
  const Number bob = *Number::from_digits(79163333333ULL);
  pool.lend("a", at(seconds(0)), minutes(1));
  pool.call(number(0), at(seconds(30)), kAnn);
  pool.call(number(0), at(seconds(40)), bob);
  pool.lend("b", at(minutes(10)));
  pool.pools->forget_caller(kAnn);
  CHECK(pool.resolve(number(0), at(minutes(11)), kAnn).visit.view() == "b");
  CHECK(pool.resolve(number(0), at(minutes(11)), bob).method == ResolutionMethod::kReturningCaller);
}

TEST_CASE("a known caller who is the present holder is an active lease") {
  OnePool pool(2);
  const VisitView monday{"monday", "ann", "google/cpc", ""};
  const VisitView tuesday{"tuesday", "ann", "mail", ""};
  pool.lend(monday, at(seconds(0)), minutes(1));
  pool.call(number(0), at(seconds(10)), kAnn);
  CHECK(pool.resolve(number(0), at(seconds(20)), kAnn).method == ResolutionMethod::kActiveLease);
  CHECK(pool.resolve(number(0), at(minutes(2)), kAnn).method == ResolutionMethod::kHold);

  SECTION("also by a later visit of the same visitor") {
    pool.lend(tuesday, at(hours(24)));
    const Resolution answer = pool.resolve(number(0), at(hours(24) + seconds(5)), kAnn);
    CHECK(answer.method == ResolutionMethod::kActiveLease);
    CHECK(answer.visit.view() == "tuesday");
  }
}

TEST_CASE("callers are forgotten, the one silent for longest first, and after their time") {
  PoolsConfig config = config_of({pool_config(3)});
  config.known_callers = 2;
  OnePool pool(1);
  pool.pools = make(config);
  const auto caller = [](std::uint64_t i) { return *Number::from_digits(79160000000ULL + i); };
  for (const char* visit : {"a", "b", "c"}) pool.lend(visit, at(seconds(0)), minutes(10));
  for (std::uint64_t i = 0; i < 3; ++i) pool.call(number(i), at(seconds(i)), caller(i));
  CHECK(pool.resolve(number(2), at(minutes(1)), caller(0)).visit.view() == "c");
  CHECK(pool.resolve(number(2), at(minutes(1)), caller(1)).visit.view() == "b");
  CHECK(pool.resolve(number(2), at(minutes(1)) + config.caller_memory, caller(1)).visit.view() == "c");
}

TEST_CASE("static and fallback numbers say what they can") {
  PoolConfig config = pool_config(1);
  config.static_numbers = {{*Number::from_digits(78000000011ULL), Source::cut("billboard")}};
  config.source_fallbacks = {{*Number::from_digits(78000000012ULL), Source::cut("mail")}};
  OnePool pool(config);
  const Resolution board = pool.resolve(config.static_numbers[0].number, at(seconds(0)), kAnn);
  CHECK(board.method == ResolutionMethod::kStaticSource);
  CHECK(board.source.view() == "billboard");
  CHECK(board.confidence == 1);
  CHECK(pool.resolve(config.source_fallbacks[0].number, at(seconds(0))).source.view() == "mail");
  const Resolution fallback = pool.resolve(config.fallback, at(seconds(0)));
  CHECK(fallback.method == ResolutionMethod::kFallback);
  CHECK(fallback.pool.view() == "main");
  CHECK(fallback.source.empty());
  const Resolution foreign = pool.resolve(kAnn, at(seconds(0)));
  CHECK(foreign.method == ResolutionMethod::kNone);
  CHECK(foreign.pool.empty());
  CHECK(pool.resolve({}, at(seconds(0))).method == ResolutionMethod::kNone);
}

}  // namespace
}  // namespace ringtrace::pool::testing
