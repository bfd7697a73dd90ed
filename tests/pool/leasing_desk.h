#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "pool/leasing.h"
#include "tests/pool/model_store.h"
#include "tests/pool/pool_fixture.h"

namespace ringtrace::pool::testing {

using Mode = ModelStore::Mode;

struct TestClock : Clock {
  Time time = at(hours(1));
  Time now() const override { return time; }
};

/// Leases over a pool of some numbers and a store the test steps by hand.
struct Desk {
  explicit Desk(std::size_t numbers, Durability durability = Durability::kAvailable) {
    PoolConfig config = pool_config(numbers);
    config.durability = durability;
    pools = make(config_of({config}));
    leasing = std::make_unique<Leasing>(*pools, &store, clock);
  }

  /// Asks without waiting; the answer comes into the returned list.
  std::shared_ptr<std::vector<LeaseAnswer>> ask(std::string_view visit, Duration ttl = minutes(30)) {
    auto answers = std::make_shared<std::vector<LeaseAnswer>>();
    leasing->lease({}, {visit, "", "google/cpc", "{}"}, ttl, AdmissionClass::kNormal,
                   [answers](const LeaseAnswer& answer) { answers->push_back(answer); });
    return answers;
  }

  LeaseAnswer lease(std::string_view visit, Duration ttl = minutes(30)) {
    const auto answers = ask(visit, ttl);
    store.run();
    REQUIRE(answers->size() == 1);
    return answers->front();
  }

  LeaseAnswer renew(std::string_view visit, Duration ttl = minutes(30)) {
    std::vector<LeaseAnswer> answers;
    leasing->renew({}, visit, ttl, [&](const LeaseAnswer& answer) { answers.push_back(answer); });
    store.run();
    REQUIRE(answers.size() == 1);
    return answers.front();
  }

  LeaseAnswer release(std::string_view visit) {
    std::vector<LeaseAnswer> answers;
    leasing->release({}, visit, [&](const LeaseAnswer& answer) { answers.push_back(answer); });
    store.run();
    REQUIRE(answers.size() == 1);
    return answers.front();
  }

  void replay() {
    while (leasing->replay(2) > 0) store.run();
  }

  TestClock clock;
  ModelStore store;
  std::unique_ptr<NumberPools> pools;
  std::unique_ptr<Leasing> leasing;
};

}  // namespace ringtrace::pool::testing
