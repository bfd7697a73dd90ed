#include <catch2/catch.hpp>

#include "tests/pool/counted.h"
#include "tests/pool/fiber.h"
#include "tests/pool/locked_pool.h"
#include "tests/pool/signal_stops.h"

namespace ringtrace::pool::testing {

TEST_CASE("a thread stopped by a signal at any instant stops nobody; under a lock it is seen to") {
  if (kUnderThreadSanitizer) {
    counted("stops by signal: none, ThreadSanitizer delivers signals only where a thread waits");
    return;
  }
  const Found found = run_signals(kUnderSanitizer ? 1'000 : 5'000);
  CHECK(found.wrong == "");
  counted("stops by signal: " + std::to_string(found.schedules));

  LockedPool<std::atomic> locked(4, 0, 2'000);
  CHECK(signals::stop_by_signals(locked, 200).stuck > 0);
}

}  // namespace ringtrace::pool::testing
