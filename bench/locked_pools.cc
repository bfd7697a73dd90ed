#include "bench/locked_pools.h"

#include "bench/plain_atom.h"
#include "pool/pool_set.h"

namespace ringtrace::bench {

struct LockedPools::State : pool::PoolSet<Plain> {
  using PoolSet::PoolSet;
};

LockedPools::LockedPools(const pool::PoolsConfig& config)
    : state_(std::make_unique<State>(config, pool::SipKey{config.hash_key[0], config.hash_key[1]})) {}
LockedPools::~LockedPools() = default;

// In one piece each, as the shipped pool's (number_pools.cc).

[[gnu::flatten]] pool::Reservation LockedPools::reserve(pool::PoolIndex pool, const pool::VisitView& visit,
                                                        pool::Duration ttl, pool::AdmissionClass admission,
                                                        pool::Time now) {
  const std::lock_guard lock(mutex_);
  return state_->pool(pool).reserve(visit, ttl, admission, now);
}

[[gnu::flatten]] bool LockedPools::commit(const pool::Ticket& ticket, bool durable, pool::Time now) {
  const std::lock_guard lock(mutex_);
  return state_->pool(ticket.pool).commit(ticket, durable, now);
}

[[gnu::flatten]] std::optional<pool::LeaseView> LockedPools::renew(pool::PoolIndex pool,
                                                                   std::string_view visit_id,
                                                                   pool::Time expire, pool::Time now) {
  const std::lock_guard lock(mutex_);
  return state_->pool(pool).renew(visit_id, expire, now);
}

[[gnu::flatten]] std::optional<pool::LeaseView> LockedPools::release(pool::PoolIndex pool,
                                                                     std::string_view visit_id,
                                                                     pool::Time now) {
  const std::lock_guard lock(mutex_);
  return state_->pool(pool).release(visit_id, now);
}

[[gnu::flatten]] pool::Resolution LockedPools::resolve(const pool::ResolveQuery& query) const {
  pool::Resolution answer;
  const std::lock_guard lock(mutex_);
  state_->resolve(query, answer);
  return answer;
}

}  // namespace ringtrace::bench
