#include "gateway/lease_reload.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace ringtrace::gateway {

LeaseReload::LeaseReload(boost::asio::io_context& io, redis::RedisLeaseStore& store, pool::NumberPools& pools,
                         const pool::Clock& clock, Log& log, EndOf end_of, Done done)
    : io_(io),
      store_(store),
      pools_(pools),
      clock_(clock),
      log_(log),
      end_of_(std::move(end_of)),
      done_(std::move(done)) {}

void LeaseReload::stop() {
  if (sorter_.joinable()) sorter_.join();
}

void LeaseReload::start() { load_next(); }

void LeaseReload::load_next() {
  if (pool_.value >= pools_.pool_count()) return done_({});
  leases_.clear();
  restored_ = 0;
  counts_ = {};
  began_ = std::chrono::steady_clock::now();
  store_.load(
      pools_.config(pool_).name.to_string(),
      [self = shared_from_this()](const std::vector<redis::LoadedLease>& batch) { self->took(batch); },
      [self = shared_from_this()](const redis::LoadResult& result) { self->loaded(result); });
}

void LeaseReload::took(const std::vector<redis::LoadedLease>& batch) {
  const std::size_t before = leases_.size();
  for (const redis::LoadedLease& lease : batch) leases_.add(lease);
  if (before / kProgress == leases_.size() / kProgress) return;
  log_.info("reading leases", {{"pool", pools_.config(pool_).name.view()}, {"read", leases_.size()}});
}

void LeaseReload::loaded(const redis::LoadResult& result) {
  if (result.status != pool::StoreStatus::kDone) return done_(result.detail);
  if (result.unreadable > 0) {
    log_.warning("leases in the store that cannot be read were left alone",
                 {{"pool", pools_.config(pool_).name.view()}, {"count", result.unreadable}});
  }
  if (leases_.size() <= kTurn) {
    leases_.sort();
    return restore_some();
  }
  // A million take long enough to be noticed by who waits for this loop.
  if (sorter_.joinable()) sorter_.join();
  sorter_ = std::thread([this, self = shared_from_this()]() mutable {
    leases_.sort();
    // Handed over, not copied: the last owner must be a task of the loop, because it joins this thread.
    boost::asio::post(io_, [kept = std::move(self)] { kept->restore_some(); });
  });
}

void LeaseReload::restore_some() {
  const pool::Time now = clock_.now();
  const std::size_t end = std::min(leases_.size(), restored_ + kTurn);
  for (; restored_ < end; ++restored_) {
    pool::StoredLease lease = leases_.at(restored_);
    if (!lease.ended) lease.ended = end_of(lease);
    count(pools_.restore(pool_, lease, now));
  }
  if (restored_ < leases_.size()) {
    if (restored_ % kProgress < kTurn) {
      log_.info("taking leases over",
                {{"pool", pools_.config(pool_).name.view()}, {"done", restored_}, {"of", leases_.size()}});
    }
    boost::asio::post(io_, [self = shared_from_this()] { self->restore_some(); });
    return;
  }
  const auto took = std::chrono::steady_clock::now() - began_;
  log_.info("leases reloaded", {{"pool", pools_.config(pool_).name.view()},
                                {"live", counts_.live},
                                {"ended", counts_.ended},
                                {"known", counts_.known},
                                {"conflicts", counts_.conflicts},
                                {"foreign", counts_.foreign},
                                {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
  ++pool_.value;
  load_next();
}

/// An end of before the lease began is that of an earlier one.
std::optional<pool::Time> LeaseReload::end_of(const pool::StoredLease& lease) const {
  const auto ended = end_of_(pools_.config(pool_).name.view(), lease.number, lease.visit.visit_id);
  return ended && *ended >= lease.start ? ended : std::nullopt;
}

void LeaseReload::count(pool::RestoreOutcome outcome) {
  switch (outcome) {
    case pool::RestoreOutcome::kLive:
      ++counts_.live;
      return;
    case pool::RestoreOutcome::kEnded:
      ++counts_.ended;
      return;
    case pool::RestoreOutcome::kKnown:
      ++counts_.known;
      return;
    case pool::RestoreOutcome::kConflict:
      ++counts_.conflicts;
      return;
    case pool::RestoreOutcome::kForeign:
      ++counts_.foreign;
      return;
  }
}

}  // namespace ringtrace::gateway
