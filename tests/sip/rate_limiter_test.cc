#include "sip/rate_limiter.h"

#include <catch2/catch.hpp>

namespace ringtrace::sip {

using namespace std::chrono_literals;

TEST_CASE("each key has its own rate, and a burst after a quiet time") {
  RateLimiter limiter(10, 3);
  SteadyTime now{1h};
  for (int i = 0; i < 3; ++i) CHECK(limiter.admit(1, now));
  CHECK_FALSE(limiter.admit(1, now));
  CHECK(limiter.admit(2, now));
  now += 99ms;
  CHECK_FALSE(limiter.admit(1, now));
  now += 1ms;
  CHECK(limiter.admit(1, now));
  CHECK_FALSE(limiter.admit(1, now));
  now += 10s;
  for (int i = 0; i < 3; ++i) CHECK(limiter.admit(1, now));
  CHECK_FALSE(limiter.admit(1, now));
}

TEST_CASE("over a long time no more than the rate comes through") {
  RateLimiter limiter(50, 5);
  SteadyTime now{1h};
  int admitted = 0;
  for (int i = 0; i < 10'000; ++i, now += 1ms) admitted += limiter.admit(7, now) ? 1 : 0;
  CHECK(admitted >= 500);
  CHECK(admitted <= 505);
}

TEST_CASE("no rate is no limit and remembers nothing") {
  RateLimiter limiter(0, 1);
  for (int i = 0; i < 1000; ++i) CHECK(limiter.admit(1, SteadyTime{}));
  CHECK(limiter.size() == 0);
}

TEST_CASE("many keys cost bounded memory, and quiet ones make room") {
  RateLimiter limiter(1, 1);
  SteadyTime now{1h};
  for (std::uint64_t key = 0; key < 2 * RateLimiter::kMaximumKeys; ++key) CHECK(limiter.admit(key, now));
  CHECK(limiter.size() == RateLimiter::kMaximumKeys);
  now += 10s;
  CHECK(limiter.admit(1ull << 40, now));
  CHECK(limiter.size() == 1);
}

}  // namespace ringtrace::sip
