#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pool/lease_store.h"
#include "redis/claims.h"
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

struct LeaseStoreOptions {
  /// How long a lease is remembered after its end: in the holder log, and as a number's last one.
  std::chrono::milliseconds retention = std::chrono::hours(24 * 7);
  /// Writes not answered yet; the next one is answered kUnavailable at once.
  std::size_t max_writes = 65'536;
  /// A write is kDone when so many replicas have it, too (WAIT); kInDoubt when they do not within the
  /// patience. Everything else on the connection waits meanwhile.
  int replicas = 0;
  std::chrono::milliseconds replica_patience{200};
};

class LeaseWriter;

/// The leases in Redis.
///
/// A write that finds none of its pool under way is sent with the next turn of the loop. What comes while one
/// is under way gathers, and goes with the next one: one function call writes up to 256 leases. How a write
/// can end: not connected, not claimed yet, LOADING, or too many waiting -> kUnavailable; lost or overdue
/// after sending -> kInDoubt; full (OOM), read-only, failing to persist (MISCONF), or any other refusal ->
/// kRefused. When another gateway owns the pool: kHeldByOther, so that nothing is lent from memory either.
///
/// Any thread may call; `done` comes on the connection's io thread, or from inside the call when it was
/// turned away. Connection and claims outlive the store. Destroy it on the io thread or when no thread runs
/// the loop: what is not sent yet is answered then, the rest when the connection ends.
class RedisLeaseStore : public pool::LeaseStore {
 public:
  using Batch = std::function<void(std::vector<LoadedLease>)>;
  using Loaded = std::function<void(const LoadResult&)>;

  RedisLeaseStore(Connection& connection, Claims& claims, LeaseStoreOptions options = {});
  ~RedisLeaseStore() override;
  RedisLeaseStore(const RedisLeaseStore&) = delete;
  RedisLeaseStore& operator=(const RedisLeaseStore&) = delete;

  void lease(pool::LeaseRecord record, pool::Time now, Done done) override;
  void renew(pool::LeaseRecord record, pool::Time now, Done done) override;
  void release(pool::LeaseEnd end, pool::Time now, Done done) override;
  void expire(pool::LeaseEnd end, pool::Time now, Done done) override;

  /// Writes not answered yet.
  std::size_t outstanding() const;

  /// Reads every lease of the pool: `batch` with some at a time and in no order, then `loaded` once. Both on
  /// the io thread. What is written meanwhile may come in its old or new form, and a lease may come twice.
  /// Memory: at most a few pages of 1,000 leases are held here.
  void load(const std::string& pool, Batch batch, Loaded loaded);

 private:
  Connection& connection_;
  const std::shared_ptr<LeaseWriter> writer_;
};

}  // namespace ringtrace::redis
