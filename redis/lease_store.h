#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pool/lease_store.h"
#include "redis/connection.h"
#include "redis/loaded_lease.h"

namespace ringtrace::redis {

/// How a load ended.
struct LoadResult {
  pool::StoreStatus status = pool::StoreStatus::kUnavailable;  ///< kDone: everything was read
  std::string detail;                                          ///< why not; for the log
  std::uint64_t leases = 0;
  std::uint64_t unreadable = 0;  ///< entries that are no lease of ours; left alone
};

/// The leases in Redis.
///
/// Each write is one function call on the connection, pipelined with everyone else's. How it can end:
/// not connected, LOADING, or the queue is full -> kUnavailable; lost or overdue after sending -> kInDoubt;
/// full (OOM), read-only, failing to persist (MISCONF), or any other refusal -> kRefused.
///
/// Any thread may call; `done` comes on the connection's io thread, or from inside the call when it was
/// turned away. The connection outlives the store.
class RedisLeaseStore : public pool::LeaseStore {
 public:
  using Batch = std::function<void(std::vector<LoadedLease>)>;
  using Loaded = std::function<void(const LoadResult&)>;

  explicit RedisLeaseStore(Connection& connection) : connection_(connection) {}

  void lease(pool::LeaseRecord record, pool::Time now, Done done) override;
  void renew(pool::LeaseRecord record, pool::Time now, Done done) override;
  void release(pool::LeaseEnd end, pool::Time now, Done done) override;
  void expire(pool::LeaseEnd end, pool::Time now, Done done) override;

  /// Reads every lease of the pool: `batch` with some at a time and in no order, then `loaded` once. Both on
  /// the io thread. Memory: at most one batch (about two hundred blocks of 128 numbers) is held here.
  void load(const std::string& pool, Batch batch, Loaded loaded);

 private:
  void call(Command command, Done done);

  Connection& connection_;
};

}  // namespace ringtrace::redis
