#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "gateway/config.h"
#include "gateway/log.h"
#include "tests/store/faults.h"
#include "tests/store/gateway_life.h"
#include "tests/store/simulated_redis.h"
#include "tests/store/site.h"
#include "tests/store/virtual_time.h"
#include "tests/temporary_directory.h"

namespace ringtrace::store_test {

/// Mistakes a history may be made with, to see that it is found out.
enum class Mistake : std::uint8_t {
  kNone,
  kNoHoldBack,     ///< gateways are not told that the store may have lost leases
  kNoFence,        ///< the store lets any token write
  kEarlyAck,       ///< a lease is acknowledged before the store has it
  kLostJournal,    ///< what the journal holds is not there after a kill
  kShortHold,      ///< numbers are lent again before their hold is over
  kUncountedLoss,  ///< the store's count of writes does not show what it lost
};

/// What a history is made of, drawn from its seed.
struct Circumstances {
  explicit Circumstances(std::uint64_t seed, Mistake mistake = Mistake::kNone);

  std::uint64_t seed;
  Mistake mistake;
  std::size_t numbers, visits;
  pool::Duration ttl, hold;
  pool::Durability durability;
  bool syncs_each_write;
  bool has_replica;  ///< and gateways that wait for it, or not
  int wait_replicas;
  std::size_t gateways;
  bool loses_disks;  ///< the store comes back empty or as it was
  std::string text() const;
};

/// Websites, gateways and a store under virtual time and all sorts of trouble, in one thread, from one seed.
class Simulation {
 public:
  explicit Simulation(const Circumstances& circumstances,
                      pool::Time start = pool::Time(std::chrono::hours(500'000)));
  ~Simulation();

  /// Runs the history; empty, or what was broken.
  std::string run();

  const FaultCounts& faults() const { return faults_; }
  const Site& site() const { return site_; }
  SimulatedRedis& redis() { return redis_; }

  /// What happened, line by line, when asked for before the run.
  bool traces = false;
  const std::string& trace() const { return trace_; }

 private:
  struct Gateway {
    std::string name;
    std::unique_ptr<GatewayLife> life;
    std::filesystem::path state;
    std::uint64_t lives = 0;
    pool::Time back_at{};
  };

  void act();
  void ask_something();
  void trouble_store();
  void trouble_gateway(std::size_t which);
  void begin_life(std::size_t which);
  void end_lives();
  void died(std::size_t which, bool killed);
  bool is_remembered(const Showing& showing);
  void store_died(pool::Duration away);
  void quiesce();
  void check_counts();
  void check_promises();
  void note(const std::string& line);
  gateway::Config config_of(const Gateway& gateway) const;
  GatewayLife* serving(std::size_t which);

  const Circumstances circumstances_;
  Dice dice_;
  FaultCounts faults_;
  VirtualTime time_;
  SimulatedRedis redis_;
  Site site_;
  std::ostringstream lines_;
  std::unique_ptr<gateway::Log> log_;
  test::TemporaryDirectory directory_;
  std::vector<Gateway> gateways_;
  std::map<std::string, int> under_way_;   ///< by visit: leases and renewals without an answer
  std::map<std::string, int> letting_go_;  ///< and releases
  std::string trace_;
  std::string broken_;
  bool quiet_ = false;
};

}  // namespace ringtrace::store_test
