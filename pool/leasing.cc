#include "pool/leasing.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace ringtrace::pool {
namespace {

LeaseAnswer leased(const LeaseView& lease, std::optional<Duration> idle = std::nullopt) {
  return {LeaseStatus::kLeased, lease, lease.number, idle};
}

LeaseAnswer failed(LeaseStatus status) { return {status, {}, {}, std::nullopt}; }

}  // namespace

/// One request for a lease, from the call to its answer.
struct Leasing::Request {
  PoolIndex pool;
  std::string visit_id, visitor_id, source, attributes;
  Duration ttl;
  AdmissionClass admission;
  Done done;
  int attempts = 0;
  Time wanted = kNever;               ///< the expiry asked for
  int tellings = 0;                   ///< times the store was told of ends for this request
  std::optional<Duration> idle;       ///< of the number it got, when that was new
  std::vector<RequestPtr> followers;  ///< guarded by mutex_

  VisitView visit() const { return {visit_id, visitor_id, source, attributes}; }
  std::string key() const { return std::to_string(pool.value) + '/' + visit_id; }
};

Leasing::Leasing(NumberPools& pools, LeaseStore* store, const Clock& clock)
    : pools_(pools), store_(store), clock_(clock) {}

/// Counts one more waiting request; false, and the refusal counted, when there are too many.
bool Leasing::enter() {
  if (counters_.waiting.fetch_add(1, std::memory_order_relaxed) < kMaxWaiting) return true;
  counters_.waiting.fetch_sub(1, std::memory_order_relaxed);
  counters_.busy.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void Leasing::lease(PoolIndex pool, const VisitView& visit, std::optional<Duration> ttl,
                    AdmissionClass admission, Done done) {
  if (!enter()) return done(failed(LeaseStatus::kBusy));
  auto request = std::make_shared<Request>();
  request->pool = pool;
  request->visit_id = visit.visit_id;
  request->visitor_id = visit.visitor_id;
  request->source = visit.source;
  request->attributes = visit.attributes;
  request->ttl = ttl.value_or(pools_.config(pool).ttl);
  request->admission = admission;
  request->done = std::move(done);
  start(request);
}

/// Goes ahead with the request, or queues it behind the undecided one of the same visit.
void Leasing::start(const RequestPtr& request) {
  request->wanted = clock_.now() + request->ttl;
  {
    const std::lock_guard lock(mutex_);
    const auto [first, is_first] = undecided_.try_emplace(request->key(), request);
    if (!is_first) {
      first->second->followers.push_back(request);
      return;
    }
  }
  attempt(request);
}

void Leasing::attempt(const RequestPtr& request) {
  const Time now = clock_.now();
  ++request->attempts;
  request->wanted = std::max(request->wanted, now + request->ttl);
  const Reservation reservation =
      pools_.reserve(request->pool, request->visit(), request->wanted - now, request->admission, now);
  switch (reservation.outcome) {
    case ReserveOutcome::kFallback:
      return finish(request, {LeaseStatus::kFallback, {}, reservation.number, std::nullopt});
    case ReserveOutcome::kRefused:
      return finish(request, failed(LeaseStatus::kExhausted));
    default:
      break;
  }
  if (store_ == nullptr) return lend(request, reservation, false);
  if (reservation.outcome == ReserveOutcome::kHeld && reservation.durable) {
    return lend(request, reservation, true);
  }
  write(request, reservation);
}

void Leasing::write(const RequestPtr& request, const Reservation& reservation) {
  store_->lease(
      record(*request, reservation), clock_.now(),
      [this, request, reservation](const StoreReply& reply) { stored(request, reservation, reply); });
}

LeaseRecord Leasing::record(const Request& request, const Reservation& reservation) const {
  const PoolConfig& config = pools_.config(request.pool);
  return {config.name.to_string(), reservation.number, request.visit_id,   request.visitor_id, request.source,
          request.attributes,      reservation.start,  reservation.expire, config.hold};
}

void Leasing::stored(const RequestPtr& request, const Reservation& reservation, const StoreReply& reply) {
  switch (reply.status) {
    case StoreStatus::kDone:
      return lend(request, reservation, true);
    case StoreStatus::kHeldByOther:
      if (tell_ends(request, reservation.number)) return write(request, reservation);
      counters_.conflicts.fetch_add(1, std::memory_order_relaxed);
      // As a renewal does: the page shows it, whatever old books say.
      if (reservation.outcome == ReserveOutcome::kHeld && !required(request->pool)) {
        return lend_unwritten(request, reservation);
      }
      pools_.hold_back(reservation.ticket, clock_.now());
      return try_another(request);
    case StoreStatus::kVisitElsewhere:
      if (tell_ends(request, reply.number)) return write(request, reservation);
      return take_over(request, reservation, reply);
    case StoreStatus::kInDoubt:
      return without_store(request, reservation, true);
    case StoreStatus::kNotHeld:
    case StoreStatus::kUnavailable:
    case StoreStatus::kRefused:
      return without_store(request, reservation, false);
  }
}

/// The store's books may be behind memory: leases that ended while it was away stand in them still. Tells it
/// of the number's ends, at most kMaxAttempts times a request; false when there is nothing to tell.
bool Leasing::tell_ends(const RequestPtr& request, Number number) {
  if (++request->tellings > kMaxAttempts) return false;
  std::array<LeaseView, 5> ends;
  const std::size_t count = pools_.untold_ends(request->pool, number, ends);
  for (std::size_t i = 0; i < count; ++i) replay_one(request->pool, ends[i]);
  return count > 0;
}

/// The reservation becomes, or stays, the visit's lease.
void Leasing::lend(const RequestPtr& request, const Reservation& reservation, bool durable) {
  const Time now = clock_.now();
  if (reservation.outcome != ReserveOutcome::kHeld && !pools_.commit(reservation.ticket, durable, now)) {
    return try_another(request);
  }
  if (durable) pools_.set_durable(reservation.ticket, reservation.expire, true);
  if (reservation.outcome == ReserveOutcome::kReserved) request->idle = reservation.idle;
  std::optional<LeaseView> lease = pools_.find_lease(request->pool, request->visit_id, now);
  if (!lease || !lease->live || lease->ticket != reservation.ticket) {
    // Over already: the store's word came after the lease's end, or the number was taken away.
    return try_another(request);
  }
  if (durable && !lease->durable && reservation.expire < lease->expire) {
    // A renewal extends it meanwhile, which may never be written: told is what the store has.
    lease->expire = reservation.expire;
    lease->durable = true;
  }
  auto& counter = durable ? counters_.durable : counters_.nondurable;
  counter.fetch_add(1, std::memory_order_relaxed);
  finish(request, leased(*lease, request->idle));
}

/// Against the store's word: what it says is older than what memory has shown since.
void Leasing::lend_unwritten(const RequestPtr& request, const Reservation& reservation) {
  store_->note_unwritten(record(*request, reservation), clock_.now());
  lend(request, reservation, false);
}

void Leasing::try_another(const RequestPtr& request) {
  if (request->attempts < kMaxAttempts) return attempt(request);
  counters_.unavailable.fetch_add(1, std::memory_order_relaxed);
  finish(request, failed(LeaseStatus::kStoreUnavailable));
}

/// The store knows the visit under another number: that one it is, when memory can still give it.
void Leasing::take_over(const RequestPtr& request, const Reservation& reservation, const StoreReply& reply) {
  const Time now = clock_.now();
  const bool held = reservation.outcome == ReserveOutcome::kHeld;
  const auto is_anothers = [&] {
    const Resolution holder = pools_.resolve({reply.number, {}, now});
    return holder.method == ResolutionMethod::kActiveLease && holder.visit.view() != request->visit_id;
  };
  if (held && !required(request->pool) && (reply.expire <= now || is_anothers())) {
    // That one is over, and only in its hold, or shown by another visit: the page shows the one that memory
    // has lent since.
    return lend_unwritten(request, reservation);
  }
  if (held) {
    pools_.hold_back(reservation.ticket, now);
  } else {
    pools_.cancel(reservation.ticket, now);
  }
  const RestoreOutcome outcome =
      pools_.restore(request->pool, {reply.number, request->visit(), now, reply.expire, std::nullopt}, now);
  if (outcome == RestoreOutcome::kLive || outcome == RestoreOutcome::kKnown) return try_another(request);
  counters_.conflicts.fetch_add(1, std::memory_order_relaxed);
  if (!required(request->pool)) return attempt_from_memory(request);
  counters_.unavailable.fetch_add(1, std::memory_order_relaxed);
  finish(request, failed(LeaseStatus::kStoreUnavailable));
}

void Leasing::attempt_from_memory(const RequestPtr& request) {
  const Time now = clock_.now();
  const Reservation reservation =
      pools_.reserve(request->pool, request->visit(), request->ttl, request->admission, now);
  if (reservation.outcome == ReserveOutcome::kFallback) {
    return finish(request, {LeaseStatus::kFallback, {}, reservation.number, std::nullopt});
  }
  if (reservation.outcome == ReserveOutcome::kRefused)
    return finish(request, failed(LeaseStatus::kExhausted));
  request->attempts = kMaxAttempts;
  lend_unwritten(request, reservation);
}

void Leasing::without_store(const RequestPtr& request, const Reservation& reservation, bool in_doubt) {
  if (!required(request->pool)) return lend(request, reservation, false);
  const Time now = clock_.now();
  if (in_doubt) {
    // Perhaps written: the number must go to nobody else, and the visit's retry gets it.
    pools_.commit(reservation.ticket, false, now);
  } else if (reservation.outcome == ReserveOutcome::kReserved) {
    pools_.cancel(reservation.ticket, now);
  }
  counters_.unavailable.fetch_add(1, std::memory_order_relaxed);
  finish(request, failed(LeaseStatus::kStoreUnavailable));
}

/// Answers the request and those that waited for its outcome. Of those that want a later expiry than it got,
/// the one that wants the latest goes ahead for all.
void Leasing::finish(const RequestPtr& request, const LeaseAnswer& answer) {
  std::vector<RequestPtr> done{request};
  RequestPtr next;
  {
    const std::lock_guard lock(mutex_);
    std::vector<RequestPtr> later;
    for (RequestPtr& follower : request->followers) {
      const bool served = answer.status != LeaseStatus::kLeased || follower->wanted <= answer.lease.expire;
      (served ? done : later).push_back(std::move(follower));
    }
    request->followers.clear();
    if (later.empty()) {
      undecided_.erase(request->key());
    } else {
      const auto latest = std::max_element(
          later.begin(), later.end(), [](const auto& a, const auto& b) { return a->wanted < b->wanted; });
      next = std::move(*latest);
      later.erase(latest);
      next->followers = std::move(later);
      next->idle = answer.idle;
      undecided_[next->key()] = next;
    }
  }
  counters_.waiting.fetch_sub(done.size(), std::memory_order_relaxed);
  for (const RequestPtr& each : done) each->done(answer);
  if (next) attempt(next);
}

LeaseAnswer Leasing::get(PoolIndex pool, std::string_view visit_id) const {
  const std::optional<LeaseView> lease = pools_.find_lease(pool, visit_id, clock_.now());
  if (!lease) return failed(LeaseStatus::kNotFound);
  LeaseAnswer answer = leased(*lease);
  if (!lease->live) answer.status = LeaseStatus::kNotFound;
  return answer;
}

LeasingTotals Leasing::totals() const {
  const auto read = [](const std::atomic<std::uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  return {read(counters_.durable), read(counters_.nondurable), read(counters_.unavailable),
          read(counters_.busy),    read(counters_.conflicts),  read(counters_.replayed),
          read(counters_.waiting)};
}

}  // namespace ringtrace::pool
