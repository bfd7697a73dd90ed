#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "pool/number_pools.h"

namespace ringtrace::bench {

/// The pools under one mutex: the peer of pool::NumberPools. Inside is the very same code, run on plain words
/// (bench/plain_atom.h), so that what differs is the lock and the atomic accesses, nothing else: each member
/// takes the lock for its whole length, as a straightforward pool of the same meaning would.
class LockedPools {
 public:
  /// `config` must be free of mistakes.
  explicit LockedPools(const pool::PoolsConfig& config);
  ~LockedPools();

  pool::Reservation reserve(pool::PoolIndex pool, const pool::VisitView& visit, pool::Duration ttl,
                            pool::AdmissionClass admission, pool::Time now);
  bool commit(const pool::Ticket& ticket, bool durable, pool::Time now);
  std::optional<pool::LeaseView> renew(pool::PoolIndex pool, std::string_view visit_id, pool::Time expire,
                                       pool::Time now);
  std::optional<pool::LeaseView> release(pool::PoolIndex pool, std::string_view visit_id, pool::Time now);
  pool::Resolution resolve(const pool::ResolveQuery& query) const;

 private:
  struct State;
  mutable std::mutex mutex_;
  const std::unique_ptr<State> state_;  // guarded by mutex_
};

}  // namespace ringtrace::bench
