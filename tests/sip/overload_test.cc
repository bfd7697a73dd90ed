#include "sip/overload.h"

#include <catch2/catch.hpp>

namespace ringtrace::sip {

using namespace std::chrono_literals;

TEST_CASE("a burst is served, a standing queue is not added to") {
  OverloadControl control;
  SteadyTime now{1h};
  control.observe(20ms, now);
  CHECK_FALSE(control.refuses(now));
  control.observe(80ms, now += 10ms);
  CHECK_FALSE(control.refuses(now));
  control.observe(90ms, now += 90ms);
  CHECK_FALSE(control.refuses(now));
  control.observe(90ms, now += 10ms);
  CHECK(control.refuses(now));
  control.observe(51ms, now += 1ms);
  CHECK(control.refuses(now));
  control.observe(50ms, now += 1ms);
  CHECK_FALSE(control.refuses(now));
  control.observe(60ms, now += 1ms);
  CHECK_FALSE(control.refuses(now));
}

TEST_CASE("what has waited very long is refused at once") {
  OverloadControl control;
  SteadyTime now{1h};
  control.observe(501ms, now);
  CHECK(control.refuses(now));
  CHECK_FALSE(control.refuses(now + 101ms));
}

}  // namespace ringtrace::sip
