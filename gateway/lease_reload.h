#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/lease_arena.h"
#include "gateway/log.h"
#include "pool/leasing.h"
#include "pool/number_pools.h"
#include "redis/lease_store.h"

namespace ringtrace::gateway {

/// Reads all leases of all pools from the store into memory, pool by pool, those that ended first first: that
/// is the order in which their numbers become free again.
///
/// Loop thread only, but for the sorting of many. Each turn of the loop takes over at most kTurn leases, so
/// that the port of metrics and health answers meanwhile. Memory: the leases of one pool, packed (about 60
/// bytes each and their texts), at most as many as the pool has numbers.
class LeaseReload : public std::enable_shared_from_this<LeaseReload> {
 public:
  static constexpr std::size_t kTurn = 2'000;
  /// A line of progress is logged whenever so many more leases were read, or taken over.
  static constexpr std::uint64_t kProgress = 100'000;

  /// `done` is called once: with an empty text when everything was read, else with why not.
  using Done = std::function<void(const std::string& problem)>;

  /// What is known of the end of a lease that the store does not know to have ended.
  using EndOf = std::function<std::optional<pool::Time>(std::string_view pool, pool::Number number,
                                                        std::string_view visit)>;

  LeaseReload(boost::asio::io_context& io, redis::RedisLeaseStore& store, pool::NumberPools& pools,
              const pool::Clock& clock, Log& log, EndOf end_of, Done done);

  ~LeaseReload() { stop(); }

  void start();

  /// Waits for the sorting, if it goes on. Before the loop is destroyed.
  void stop();

 private:
  struct Counts {
    std::uint64_t live = 0;
    std::uint64_t ended = 0;
    std::uint64_t known = 0;
    std::uint64_t conflicts = 0;
    std::uint64_t foreign = 0;
  };

  void load_next();
  void took(const std::vector<redis::LoadedLease>& batch);
  void loaded(const redis::LoadResult& result);
  void restore_some();
  std::optional<pool::Time> end_of(const pool::StoredLease& lease) const;
  void count(pool::RestoreOutcome outcome);

  boost::asio::io_context& io_;
  redis::RedisLeaseStore& store_;
  pool::NumberPools& pools_;
  const pool::Clock& clock_;
  Log& log_;
  EndOf end_of_;
  Done done_;

  pool::PoolIndex pool_;
  LeaseArena leases_;
  std::thread sorter_;
  std::size_t restored_ = 0;
  Counts counts_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace ringtrace::gateway
