#include "grpc/capacity_plan.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <tuple>

namespace ringtrace::rpc {
namespace {

/// Erlang B by its definition, in logarithms.
double by_definition(double erlangs, int numbers) {
  double sum = 0;
  for (int i = 0; i <= numbers; ++i) {
    sum += std::exp((i - numbers) * std::log(erlangs) + std::lgamma(numbers + 1) - std::lgamma(i + 1));
  }
  return 1 / sum;
}

TEST_CASE("the recurrence gives what the definition gives") {
  for (const double erlangs : {0.1, 1.0, 5.0, 30.0, 100.0}) {
    for (const int numbers : {1, 2, 10, 50, 120}) {
      CHECK(erlang_b(erlangs, numbers) == Approx(by_definition(erlangs, numbers)).margin(1e-12));
    }
  }
}

TEST_CASE("the numbers needed are the least that keep the share") {
  const auto [erlangs, share, numbers] = GENERATE(table<double, double, int>(
      {{1.0, 0.01, 5}, {10.0, 0.01, 18}, {100.0, 0.01, 117}, {5.0, 0.05, 9}, {20.0, 0.02, 28}}));
  CHECK(numbers_needed(erlangs, share) == numbers);
  CHECK(erlang_b(erlangs, numbers) <= share);
  CHECK(erlang_b(erlangs, numbers - 1) > share);
}

TEST_CASE("no traffic needs no numbers, and the most traffic is planned") {
  CHECK(numbers_needed(0, 0.01) == 0);
  CHECK(numbers_needed(kMaxPlannedErlangs, 0.001) > 990'000);
}

}  // namespace
}  // namespace ringtrace::rpc
