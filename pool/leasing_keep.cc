#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "pool/leasing.h"

// What happens to a lease after it was made: renewal, release, expiry, and the store's return.

namespace ringtrace::pool {
namespace {

/// Records taken up by one call of replay, and ends by one round of tick.
constexpr std::size_t kBatch = 256;

/// The most records one number has that the store may not know: they are taken up together.
constexpr std::size_t kMostOfSlot = 5;

}  // namespace

LeaseRecord Leasing::record(PoolIndex pool, const LeaseView& lease) const {
  const PoolConfig& config = pools_.config(pool);
  return {config.name.to_string(),
          lease.number,
          lease.visit.to_string(),
          pools_.visitor(lease.number, lease.visit).to_string(),
          lease.source.to_string(),
          pools_.attributes(lease.number, lease.visit).value_or(std::string()),
          lease.start,
          lease.expire,
          config.hold};
}

void Leasing::renew(PoolIndex pool, std::string_view visit_id, std::optional<Duration> ttl, Done done) {
  if (!enter()) return done({LeaseStatus::kBusy, {}, {}, std::nullopt});
  const Time now = clock_.now();
  const auto lease = pools_.renew(pool, visit_id, now + ttl.value_or(pools_.config(pool).ttl), now);
  if (!lease) {
    counters_.waiting.fetch_sub(1, std::memory_order_relaxed);
    return done({LeaseStatus::kNotFound, {}, {}, std::nullopt});
  }
  if (store_ == nullptr || lease->durable) return answer_written(pool, *lease, lease->durable, done);
  store_->renew(record(pool, *lease), now,
                [this, pool, lease = *lease, done = std::move(done)](const StoreReply& reply) {
                  renewed(pool, lease, false, reply, done);
                });
}

void Leasing::renewed(PoolIndex pool, const LeaseView& lease, bool written_again, const StoreReply& reply,
                      const Done& done) {
  switch (reply.status) {
    case StoreStatus::kDone:
      pools_.set_durable(lease.ticket, lease.expire, true);
      return answer_written(pool, lease, true, done);
    case StoreStatus::kNotHeld:
      if (written_again) break;
      // The store lost it, or never had it: the whole lease is written, as it is by now.
      if (const auto present = pools_.find_lease(pool, lease.visit.view(), clock_.now());
          present && present->live && present->ticket == lease.ticket) {
        return store_->lease(record(pool, *present), clock_.now(),
                             [this, pool, present = *present, done](const StoreReply& again) {
                               renewed(pool, present, true, again, done);
                             });
      }
      counters_.waiting.fetch_sub(1, std::memory_order_relaxed);
      return done({LeaseStatus::kNotFound, lease, {}, std::nullopt});
    case StoreStatus::kHeldByOther:
    case StoreStatus::kVisitElsewhere:
      // The page shows this number; it stays the visit's in memory until the page asks for a lease again.
      counters_.conflicts.fetch_add(1, std::memory_order_relaxed);
      if (!required(pool)) store_->note_unwritten(record(pool, lease), clock_.now());
      break;
    default:
      break;
  }
  if (!required(pool)) return answer_written(pool, lease, false, done);
  counters_.unavailable.fetch_add(1, std::memory_order_relaxed);
  counters_.waiting.fetch_sub(1, std::memory_order_relaxed);
  done({LeaseStatus::kStoreUnavailable, {}, {}, std::nullopt});
}

/// Answers a renewal or a release with the lease as the store, or memory alone, has it.
void Leasing::answer_written(PoolIndex, const LeaseView& lease, bool durable, const Done& done) {
  (durable ? counters_.durable : counters_.nondurable).fetch_add(1, std::memory_order_relaxed);
  counters_.waiting.fetch_sub(1, std::memory_order_relaxed);
  LeaseAnswer answer{LeaseStatus::kLeased, lease, lease.number, std::nullopt};
  answer.lease.durable = durable;
  done(answer);
}

void Leasing::release(PoolIndex pool, std::string_view visit_id, Done done) {
  if (!enter()) return done({LeaseStatus::kBusy, {}, {}, std::nullopt});
  const Time now = clock_.now();
  auto lease = pools_.release(pool, visit_id, now);
  const bool ended_now = lease.has_value();
  if (!ended_now) lease = pools_.find_lease(pool, visit_id, now);
  if (!lease) {
    counters_.waiting.fetch_sub(1, std::memory_order_relaxed);
    return done({LeaseStatus::kNotFound, {}, {}, std::nullopt});
  }
  if (store_ == nullptr || lease->durable) return answer_written(pool, *lease, lease->durable, done);
  store_->release(
      {pools_.config(pool).name.to_string(), lease->number, lease->visit.to_string(), lease->expire}, now,
      [this, pool, lease = *lease, done = std::move(done)](const StoreReply& reply) {
        const bool known = reply.status == StoreStatus::kDone || reply.status == StoreStatus::kNotHeld;
        if (known) pools_.set_durable(lease.ticket, lease.expire, true);
        if (known || !required(pool)) return answer_written(pool, lease, known, done);
        counters_.unavailable.fetch_add(1, std::memory_order_relaxed);
        counters_.waiting.fetch_sub(1, std::memory_order_relaxed);
        done({LeaseStatus::kStoreUnavailable, lease, {}, std::nullopt});
      });
}

void Leasing::tick() {
  std::vector<LeaseView> ended(kBatch);
  std::size_t count = 0;
  do {
    const Time now = clock_.now();
    count = pools_.advance(now, ended);
    for (std::size_t i = 0; store_ != nullptr && i < count; ++i) {
      const LeaseView& lease = ended[i];
      store_->expire({pools_.config(lease.ticket.pool).name.to_string(), lease.number,
                      lease.visit.to_string(), lease.expire},
                     now, [this, lease](const StoreReply& reply) { expired(lease, reply); });
    }
  } while (count == ended.size());
}

/// The store's books may extend the lease further than memory knew: another gateway renewed it.
void Leasing::expired(const LeaseView& lease, const StoreReply& reply) {
  const Time now = clock_.now();
  if (reply.status != StoreStatus::kDone || reply.expire <= now || reply.expire <= lease.expire) return;
  const PoolIndex pool = lease.ticket.pool;
  const std::string attributes = pools_.attributes(lease.number, lease.visit).value_or(std::string());
  const VisitorId visitor = pools_.visitor(lease.number, lease.visit);
  pools_.restore(pool,
                 {lease.number,
                  {lease.visit.view(), visitor.view(), lease.source.view(), attributes},
                  lease.start,
                  reply.expire,
                  std::nullopt},
                 now);
}

std::size_t Leasing::replay(std::size_t limit) {
  if (store_ == nullptr || limit == 0) return 0;
  std::vector<LeaseView> found;
  for (;;) {
    if (replay_pool_ == pools_.pool_count()) {
      replay_pool_ = replay_slot_ = 0;
      replay_live_ = !replay_live_;
      if (!replay_live_) return 0;
    }
    found.resize(std::max(std::min(limit, kBatch), kMostOfSlot));
    found.resize(pools_.scan(PoolIndex{replay_pool_}, replay_slot_, true, found));
    if (found.empty()) {
      ++replay_pool_;
      replay_slot_ = 0;
      continue;
    }
    std::erase_if(found, [this](const LeaseView& lease) { return lease.live != replay_live_; });
    if (!found.empty()) break;
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const LeaseView& a, const LeaseView& b) { return a.start < b.start; });
  for (const LeaseView& lease : found) replay_one(lease.ticket.pool, lease);
  return found.size();
}

/// The store was told of an end. When the visit had its number back meanwhile, the two writes may have passed
/// each other: the lease is written again.
void Leasing::make_good(const LeaseView& lease) {
  const PoolIndex pool = lease.ticket.pool;
  const auto present = pools_.find_lease(pool, lease.visit.view(), clock_.now());
  if (!present || !present->live || present->number != lease.number) return;
  pools_.set_durable(present->ticket, present->expire, false);
  replay_one(pool, *present);
}

void Leasing::replay_one(PoolIndex pool, const LeaseView& lease) {
  const auto written = [this, lease](const StoreReply& reply) {
    if (reply.status == StoreStatus::kHeldByOther || reply.status == StoreStatus::kVisitElsewhere) {
      if (lease.live) counters_.conflicts.fetch_add(1, std::memory_order_relaxed);
    }
    const bool known =
        reply.status == StoreStatus::kDone || (!lease.live && reply.status == StoreStatus::kNotHeld);
    if (!known) return;
    counters_.replayed.fetch_add(1, std::memory_order_relaxed);
    pools_.set_durable(lease.ticket, lease.expire, true);
    if (!lease.live) make_good(lease);
  };
  const Time now = clock_.now();
  if (lease.live) return store_->lease(record(pool, lease), now, written);
  // Writes keep their order: the store learns of the lease, then of its end.
  store_->lease(record(pool, lease), now, [](const StoreReply&) {});
  LeaseEnd end{pools_.config(pool).name.to_string(), lease.number, lease.visit.to_string(), lease.expire};
  // What ended by time stands longer where another gateway has extended it.
  lease.lapsed ? store_->expire(std::move(end), now, written) : store_->release(std::move(end), now, written);
}

}  // namespace ringtrace::pool
