#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "gateway/stored_leases.h"
#include "pool/leasing.h"
#include "tests/store/process.h"
#include "tests/store/simulated_connection.h"

namespace ringtrace::store_test {

/// One process of a gateway, with all of what ships between a request for a number and the store: pools,
/// leases, journal, word of the last life, claims, reload, replay and hold-back.
class GatewayLife {
 public:
  /// Stands between the leases and what they are written through; by itself it is that.
  using Wrap = std::function<std::unique_ptr<pool::LeaseStore>(pool::LeaseStore&)>;

  GatewayLife(VirtualTime& time, Dice& dice, FaultCounts& faults, SimulatedRedis& redis,
              gateway::Config config, gateway::Log& log, const Wrap& wrap);
  ~GatewayLife();

  Process& process() { return *process_; }
  SimulatedConnection& connection() { return *kind_; }
  pool::Leasing& leasing() { return *leasing_; }
  gateway::StoredLeases& stored() { return *stored_; }
  const gateway::Config& config() const { return config_; }

  /// Numbers are lent: the leases are settled, or it has waited long enough, as gateway.cc does.
  bool serves() const { return serves_; }
  /// Another gateway has taken the pools over, or it was asked to end: it is over.
  bool is_over() const { return over_; }

  /// SIGTERM.
  void ask_to_end();

 private:
  void tick();
  void be_patient();

  VirtualTime& time_;
  FaultCounts& faults_;
  const gateway::Config config_;
  const std::shared_ptr<Process> process_;
  gateway::Readiness readiness_;
  std::unique_ptr<pool::NumberPools> pools_;
  std::unique_ptr<pool::LeaseStore> wrapped_;
  std::unique_ptr<pool::Leasing> leasing_;
  std::unique_ptr<gateway::StoredLeases> stored_;
  std::shared_ptr<SimulatedConnection> kind_;
  std::unique_ptr<redis::Connection> connection_;
  pool::Time patient_until_;
  pool::Time ends_at_ = pool::Time::max();
  bool serves_ = false;
  bool over_ = false;
  bool told_blind_ = false;
  bool told_held_ = false;
};

/// What the files of a state directory hold, as a kill leaves them: taken into a fresh directory. `torn`: the
/// journal's last record is there in part, one that nobody was told of.
void copy_state(const std::filesystem::path& from, const std::filesystem::path& to, bool torn);

}  // namespace ringtrace::store_test
