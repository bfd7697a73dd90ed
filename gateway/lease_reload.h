#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/log.h"
#include "pool/leasing.h"
#include "pool/number_pools.h"
#include "redis/lease_store.h"

namespace ringtrace::gateway {

/// Reads all leases of all pools from the store into memory, pool by pool, those that ended first first: that
/// is the order in which their numbers become free again.
///
/// Loop thread only. Each turn of the loop takes over at most kTurn leases, so that the port of metrics and
/// health answers meanwhile. Leases of one pool are held in memory while they are sorted.
class LeaseReload : public std::enable_shared_from_this<LeaseReload> {
 public:
  static constexpr std::size_t kTurn = 2'000;

  /// `done` is called once: with an empty text when everything was read, else with why not.
  using Done = std::function<void(const std::string& problem)>;

  LeaseReload(boost::asio::io_context& io, redis::RedisLeaseStore& store, pool::NumberPools& pools,
              const pool::Clock& clock, Log& log, Done done);

  void start();

 private:
  struct Counts {
    std::uint64_t live = 0;
    std::uint64_t ended = 0;
    std::uint64_t known = 0;
    std::uint64_t conflicts = 0;
    std::uint64_t foreign = 0;
  };

  void load_next();
  void loaded(const redis::LoadResult& result);
  void restore_some();
  void count(pool::RestoreOutcome outcome);

  boost::asio::io_context& io_;
  redis::RedisLeaseStore& store_;
  pool::NumberPools& pools_;
  const pool::Clock& clock_;
  Log& log_;
  Done done_;

  pool::PoolIndex pool_;
  std::vector<redis::LoadedLease> leases_;
  std::size_t restored_ = 0;
  Counts counts_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace ringtrace::gateway
