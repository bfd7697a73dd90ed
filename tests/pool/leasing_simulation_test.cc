#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "pool/leasing.h"
#include "tests/pool/model_store.h"
#include "tests/pool/pool_fixture.h"

namespace ringtrace::pool::testing {
namespace {

struct SimulatedClock : Clock {
  Time time = at(hours(1));
  Time now() const override { return time; }
};

/// A site, a pool and a store under virtual time and random trouble, all from one seed. What the site was
/// told is the truth that everything is held against.
class Simulation {
 public:
  Simulation(std::uint64_t seed, Durability durability) : random_(seed), durability_(durability) {
    PoolConfig config = pool_config(kNumbers);
    config.durability = durability;
    config.hold = kHold;
    pools_ = make(config_of({config}));
    leasing_ = std::make_unique<Leasing>(*pools_, &store_, clock_);
  }

  void run() {
    for (int step = 0; step < 400; ++step) {
      act();
      REQUIRE(pools_->counts({}, clock_.time).total == kNumbers);
    }
    store_.mode = ModelStore::Mode::kUp;
    store_.run();
    // The first pass may be the end of one that the run began.
    for (int pass = 0; pass < 2; ++pass) {
      while (leasing_->replay(16) > 0) store_.run();
    }
    CHECK(asked_ == answered_);
    CHECK(leasing_->totals().waiting == 0);
    CHECK(pools_->counts({}, clock_.time).nondurable == 0);
    CHECK(pools_->counts({}, clock_.time).reserved == 0);
    check_books();
  }

  const std::set<ModelStore::Mode>& troubles() const { return troubles_; }

 private:
  static constexpr std::size_t kNumbers = 6;
  static constexpr Duration kHold = seconds(30);

  struct Told {
    Number number;
    Time expire;
  };

  std::uint64_t dice(std::uint64_t sides) { return random_() % sides; }

  void act() {
    const std::string visit = "v" + std::to_string(dice(12));
    switch (dice(12)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        ++asked_;
        const Duration ttl = seconds(1 + dice(120));
        leasing_->lease({}, {visit, "", "s", ""}, ttl, AdmissionClass::kNormal,
                        [this, visit](const LeaseAnswer& answer) { hear(visit, answer); });
        break;
      }
      case 4:
        ++asked_;
        leasing_->renew({}, visit, seconds(60),
                        [this, visit](const LeaseAnswer& answer) { hear(visit, answer); });
        break;
      case 5:
        // The site waits for its answers before it lets a visit go.
        store_.run();
        ++asked_;
        told_.erase(visit);
        leasing_->release({}, visit, [this](const LeaseAnswer&) { ++answered_; });
        break;
      case 6:
        clock_.time += seconds(dice(40));
        leasing_->tick();
        break;
      case 7:
        store_.mode = static_cast<ModelStore::Mode>(dice(6));
        break;
      case 8:
        if (store_.mode == ModelStore::Mode::kUp) leasing_->replay(4);
        break;
      default:
        troubles_.insert(store_.mode);
        store_.step();
    }
  }

  void hear(const std::string& visit, const LeaseAnswer& answer) {
    ++answered_;
    if (answer.status != LeaseStatus::kLeased) return;
    if (durability_ == Durability::kRequired && answer.lease.live) {
      REQUIRE(store_.books.at(answer.number).visit == visit);
    }
    if (answer.lease.durable) {
      REQUIRE(store_.books.at(answer.number).visit == visit);
      REQUIRE(store_.books.at(answer.number).expire >= answer.lease.expire);
    }
    if (answer.lease.expire <= clock_.time) return;
    for (const auto& [other, told] : told_) {
      const bool shows = told.expire > clock_.time;
      if (other == visit && shows) REQUIRE(told.number == answer.number);
      if (other != visit && shows) REQUIRE(told.number != answer.number);
    }
    Told& told = told_[visit];
    told = {answer.number,
            std::max(told.number == answer.number ? told.expire : kNever, answer.lease.expire)};
  }

  /// What the site shows and what the store knows agree once everything is replayed.
  void check_books() {
    for (const auto& [visit, told] : told_) {
      if (told.expire <= clock_.time) continue;
      INFO(visit << " was told " << told.number.to_string() << " until "
                 << (told.expire - clock_.time).count());
      REQUIRE(store_.books.at(told.number).visit == visit);
      REQUIRE(store_.books.at(told.number).expire >= told.expire);
    }
  }

  std::mt19937_64 random_;
  const Durability durability_;
  SimulatedClock clock_;
  ModelStore store_;
  std::unique_ptr<NumberPools> pools_;
  std::unique_ptr<Leasing> leasing_;
  std::map<std::string, Told> told_;
  std::set<ModelStore::Mode> troubles_;
  std::uint64_t asked_ = 0;
  std::uint64_t answered_ = 0;
};

TEST_CASE("whatever becomes of writes, no two visits are shown one number and what was told is kept") {
  const Durability durability = GENERATE(Durability::kAvailable, Durability::kRequired);
  std::set<ModelStore::Mode> troubles;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed << (durability == Durability::kRequired ? ", required" : ", available"));
    Simulation simulation(seed, durability);
    simulation.run();
    troubles.insert(simulation.troubles().begin(), simulation.troubles().end());
  }
  // A trouble that never came proves nothing.
  CHECK(troubles.size() == 6);
}

}  // namespace
}  // namespace ringtrace::pool::testing
