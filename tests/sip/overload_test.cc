#include "sip/overload.h"

#include <catch2/catch.hpp>

namespace ringtrace::sip {

using namespace std::chrono_literals;

TEST_CASE("a burst is served, a standing queue is not added to") {
  OverloadControl control;
  SteadyTime now{};
  control.observe(20ms, now);
  CHECK_FALSE(control.refuses());
  control.observe(80ms, now += 10ms);
  CHECK_FALSE(control.refuses());
  control.observe(90ms, now += 90ms);
  CHECK_FALSE(control.refuses());
  control.observe(90ms, now += 10ms);
  CHECK(control.refuses());
  control.observe(51ms, now += 1ms);
  CHECK(control.refuses());
  control.observe(50ms, now += 1ms);
  CHECK_FALSE(control.refuses());
  control.observe(60ms, now += 1ms);
  CHECK_FALSE(control.refuses());
}

TEST_CASE("what has waited very long is refused at once") {
  OverloadControl control;
  control.observe(501ms, SteadyTime{});
  CHECK(control.refuses());
}

}  // namespace ringtrace::sip
