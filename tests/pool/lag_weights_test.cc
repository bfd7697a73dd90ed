#include "pool/lag_weights.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "pool/attribution.h"

namespace ringtrace::pool::testing {
namespace {

constexpr std::uint64_t kMonth = 30ULL * 24 * 3600 * 1000;

Duration lag(std::uint64_t milliseconds) { return Duration(static_cast<Duration::rep>(milliseconds)); }

/// The greatest relative error of the table where the density matters, over the whole range: every lag at
/// first, then 3,000 of each doubling.
double greatest_error(const AttributionParameters& parameters) {
  const LagWeights weights(parameters);
  double greatest = 0;
  for (double at = 1; at <= static_cast<double>(kMonth); at = std::max(at + 1, at * std::exp2(1.0 / 3000))) {
    const Duration when = lag(static_cast<std::uint64_t>(at));
    const double exact = lag_density(parameters, when);
    if (exact < LagWeights::kLeastDensity) continue;
    greatest = std::max(greatest, std::abs(weights.density(when) - exact) / exact);
  }
  return greatest;
}

TEST_CASE("the table is within a thousandth of the density from a millisecond to 30 days") {
  AttributionParameters parameters;
  const double error = greatest_error(parameters);
  CHECK(error <= 1e-3);
  WARN("greatest relative error, defaults: " << error);
  SECTION("a quick prompt") { parameters.prompt_mean = std::chrono::milliseconds(200); }
  SECTION("a slow one") { parameters.prompt_mean = std::chrono::hours(24 * 300); }
  SECTION("only the prompt") {
    parameters.prompt_share = 1, parameters.later_share = parameters.day_share = 0;
  }
  SECTION("narrow lognormals") { parameters.later_sigma = parameters.day_sigma = 0.15; }
  SECTION("wide lognormals") { parameters.later_sigma = parameters.day_sigma = 10; }
  SECTION("no prompt") { parameters.prompt_share = 0, parameters.later_share = 0.85; }
  CHECK(LagWeights(parameters).has_table());
  CHECK(greatest_error(parameters) <= 1e-3);
}

TEST_CASE("densities are exact below 0, at 0, beyond 30 days, and where a table would not do") {
  AttributionParameters parameters;
  const LagWeights weights(parameters);
  CHECK(weights.density(Duration(-1)) == 0);
  CHECK(weights.density(Duration::min()) == 0);
  for (const std::uint64_t at :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{63}, kMonth + 1, 100 * kMonth}) {
    CHECK(weights.density(lag(at)) == lag_density(parameters, lag(at)));
  }
  CHECK(weights.density(lag(kMonth)) == Approx(lag_density(parameters, lag(kMonth))).epsilon(1e-3));

  parameters.day_sigma = 0.002;
  const LagWeights sharp(parameters);
  CHECK_FALSE(sharp.has_table());
  CHECK(sharp.density(std::chrono::hours(24)) == lag_density(parameters, std::chrono::hours(24)));
}

TEST_CASE("a source has its configured propensity, the first when configured twice, else the default") {
  AttributionParameters parameters;
  CHECK(LagWeights(parameters).propensity(Source::cut("ads")) == parameters.default_propensity);
  for (int i = 0; i < 300; ++i) {
    parameters.propensities.push_back({Source::cut("source-" + std::to_string(i)), i / 1000.0});
  }
  parameters.propensities.push_back({Source::cut("source-7"), 0.9});
  parameters.propensities.push_back({Source(), 0.5});
  const LagWeights weights(parameters);
  for (int i = 0; i < 300; ++i) {
    REQUIRE(weights.propensity(Source::cut("source-" + std::to_string(i))) == i / 1000.0);
    REQUIRE(weights.propensity(Source::cut("other-" + std::to_string(i))) == parameters.default_propensity);
  }
  CHECK(weights.propensity(Source()) == 0.5);
}

TEST_CASE("candidates are weighed and ordered as by pool::weigh") {
  AttributionParameters parameters;
  parameters.propensities = {{Source::cut("ads"), 0.15}, {Source::cut("mail"), 0.25}};
  const std::array<Source, 3> sources = {Source::cut("ads"), Source::cut("mail"), Source::cut("social")};
  std::mt19937_64 random(7);
  const Time at{std::chrono::hours(24 * 90)};
  for (int round = 0; round < 100; ++round) {
    if (round == 50) parameters.none_rate = 0;
    if (round == 75) parameters.propensities.clear();
    const LagWeights weights(parameters);
    for (std::size_t count = 0; count <= kMaxCandidates; ++count) {
      std::vector<Candidate> expected(count);
      for (std::size_t i = 0; i < count; ++i) {
        // Lags of all sizes, some negative; some shown at one time.
        const auto size = Duration(static_cast<Duration::rep>(random() >> (32 + random() % 30)));
        const Duration ago = random() % 8 == 0 ? -size : size;
        expected[i] = {VisitId::cut(std::to_string(i)), sources[random() % 3], at - ago, at, 0};
        if (i > 0 && random() % 6 == 0) {
          expected[i].shown = expected[i - 1].shown;
        }
      }
      std::vector<Candidate> found = expected;
      const double expected_none = weigh(parameters, at, expected);
      const double none = weights.weigh(at, found);
      CHECK(none == Approx(expected_none).epsilon(3e-3).margin(1e-9));
      double sum = none;
      for (std::size_t i = 0; i < count; ++i) {
        sum += found[i].weight;
        CHECK(found[i].weight == Approx(expected[i].weight).epsilon(3e-3).margin(1e-9));
        if (i == 0) continue;
        const bool in_order =
            found[i - 1].weight > found[i].weight ||
            (found[i - 1].weight == found[i].weight && found[i - 1].shown >= found[i].shown);
        CHECK(in_order);
      }
      CHECK(sum == Approx(1).epsilon(1e-12));
    }
  }
}

TEST_CASE("equal weights are ordered by who was shown the number last") {
  AttributionParameters parameters;
  parameters.default_propensity = 0;
  const Time at{std::chrono::hours(1)};
  std::array<Candidate, 3> candidates;
  for (int i = 0; i < 3; ++i) {
    candidates[static_cast<std::size_t>(i)] = {VisitId::cut(std::to_string(i)), Source(),
                                               at - std::chrono::minutes(3 - i), at, 0.5};
  }
  CHECK(LagWeights(parameters).weigh(at, candidates) == 1);
  CHECK(candidates[0].visit.view() == "2");
  CHECK(candidates[2].visit.view() == "0");
  parameters.none_rate = 0;
  CHECK(LagWeights(parameters).weigh(at, candidates) == 1);
  CHECK(candidates[0].weight == 0);
}

}  // namespace
}  // namespace ringtrace::pool::testing
