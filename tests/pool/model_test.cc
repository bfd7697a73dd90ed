#include <catch2/catch.hpp>

#include "tests/pool/counted.h"
#include "tests/pool/state_machine.h"

namespace ringtrace::pool::testing {

TEST_CASE("whatever is asked in whatever order, the pool answers as the models do") {
  const Machine machine = run_state_machine();
  counted("state machine: " + std::to_string(machine.runs) + " sequences, " + std::to_string(machine.steps) +
          " operations against the plain pool, " + std::to_string(machine.on_page) +
          " of them against the pool on a page too");
  CHECK(machine.right);
}

}  // namespace ringtrace::pool::testing
