#include "gateway/lease_reload.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace ringtrace::gateway {

LeaseReload::LeaseReload(boost::asio::io_context& io, redis::RedisLeaseStore& store, pool::NumberPools& pools,
                         const pool::Clock& clock, Log& log, Done done)
    : io_(io), store_(store), pools_(pools), clock_(clock), log_(log), done_(std::move(done)) {}

void LeaseReload::start() { load_next(); }

void LeaseReload::load_next() {
  if (pool_.value >= pools_.pool_count()) return done_({});
  leases_.clear();
  restored_ = 0;
  counts_ = {};
  began_ = std::chrono::steady_clock::now();
  store_.load(
      pools_.config(pool_).name.to_string(),
      [self = shared_from_this()](std::vector<redis::LoadedLease> batch) {
        std::move(batch.begin(), batch.end(), std::back_inserter(self->leases_));
      },
      [self = shared_from_this()](const redis::LoadResult& result) { self->loaded(result); });
}

void LeaseReload::loaded(const redis::LoadResult& result) {
  if (result.status != pool::StoreStatus::kDone) return done_(result.detail);
  if (result.unreadable > 0) {
    log_.warning("leases in the store that cannot be read were left alone",
                 {{"pool", pools_.config(pool_).name.view()}, {"count", result.unreadable}});
  }
  std::sort(leases_.begin(), leases_.end(),
            [](const redis::LoadedLease& a, const redis::LoadedLease& b) { return a.end() < b.end(); });
  restore_some();
}

void LeaseReload::restore_some() {
  const pool::Time now = clock_.now();
  const std::size_t end = std::min(leases_.size(), restored_ + kTurn);
  for (; restored_ < end; ++restored_) {
    const redis::LoadedLease& lease = leases_[restored_];
    pool::StoredLease stored;
    stored.number = lease.number;
    stored.visit = {lease.visit_id, lease.visitor_id, lease.source, lease.attributes};
    stored.start = lease.start;
    stored.expire = lease.expire;
    stored.ended = lease.ended;
    count(pools_.restore(pool_, stored, now));
  }
  if (restored_ < leases_.size()) {
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
