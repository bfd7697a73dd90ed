#include "tests/store/simulation.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

namespace ringtrace::store_test {
namespace {

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE("whatever befalls store and gateways, no two browsers show one number and what was told is kept") {
  FaultCounts faults;
  std::uint64_t heard = 0, lost = 0;
  const std::uint64_t only = setting("SIMULATION_SEED", 0);
  const std::uint64_t first = only > 0 ? only : 1;
  const std::uint64_t seeds = only > 0 ? 1 : setting("SIMULATION_SEEDS", 2'000);
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    Simulation simulation{Circumstances(seed)};
    simulation.traces = only > 0;
    const std::string broken = simulation.run();
    if (only > 0) std::cout << simulation.trace();
    faults.add(simulation.faults());
    heard += simulation.site().heard();
    lost += simulation.site().lost();
    INFO("again with: tests/run store --seed=" << seed);
    if (setting("SIMULATION_GOES_ON", 0) > 0) {
      CHECK(broken == "");
    } else {
      REQUIRE(broken == "");
    }
  }
  std::cout << "counted: " << seeds << " histories of store and gateways, " << heard << " answers";
  for (std::size_t i = 0; i < kFaults; ++i) {
    std::cout << ", " << faults.of(static_cast<Fault>(i)) << ' ' << kFaultNames[i];
  }
  std::cout << ", " << lost << " leases lost as the settings allow" << std::endl;
  if (only > 0) return;
  // A fault that never came proves nothing.
  for (std::size_t i = 0; i < kFaults; ++i) {
    INFO(kFaultNames[i]);
    CHECK(faults.of(static_cast<Fault>(i)) > 0);
  }
}

TEST_CASE("each mistake of a gateway or a store is found out") {
  const Mistake mistake = GENERATE(Mistake::kNoHoldBack, Mistake::kNoFence, Mistake::kEarlyAck,
                                   Mistake::kLostJournal, Mistake::kShortHold, Mistake::kUncountedLoss);
  std::string broken;
  std::uint64_t seed = 0;
  while (broken.empty() && seed < 400) broken = Simulation(Circumstances(++seed, mistake)).run();
  INFO("mistake " << static_cast<int>(mistake));
  CHECK(broken != "");
}

}  // namespace ringtrace::store_test
