#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "pool/lease_store.h"
#include "pool/number_pools.h"
#include "pool/time.h"

namespace ringtrace::pool {

/// Tells the time; never goes back.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

/// How a request for a lease ended.
enum class LeaseStatus : std::uint8_t {
  kLeased,            ///< the visit holds `number`
  kFallback,          ///< exhausted, or a bot: `number` is the fallback number, held by nobody
  kExhausted,         ///< exhausted, and the pool refuses
  kNotFound,          ///< renew, release, get: the visit holds nothing in this pool
  kStoreUnavailable,  ///< the pool requires the store's word, and there is none: try again
  kBusy,              ///< too many requests are waiting for the store: try again later
};

/// The answer to a request.
struct LeaseAnswer {
  LeaseStatus status = LeaseStatus::kStoreUnavailable;
  LeaseView lease;  ///< kLeased (and kNotFound of a lease that ended: its last state)
  Number number;    ///< kLeased, kFallback: the number to show
  std::optional<Duration>
      idle;  ///< kLeased: how long the number had been free before this lease, if it was new
};

/// What has happened between the pools and the store since start. Each only grows, but for `waiting`.
struct LeasingTotals {
  std::uint64_t durable = 0;      ///< leases and renewals acknowledged by the store
  std::uint64_t nondurable = 0;   ///< leases and renewals answered from memory alone
  std::uint64_t unavailable = 0;  ///< refused with kStoreUnavailable
  std::uint64_t busy = 0;         ///< refused with kBusy
  std::uint64_t conflicts = 0;    ///< numbers that memory and store gave to different visits
  std::uint64_t replayed = 0;     ///< records written after the store came back
  std::uint64_t waiting = 0;      ///< requests whose store write is under way
};

/// Joins the pools with the store: a lease is acknowledged when the store has it, and not before.
///
///     lease     reserve in memory -> write -> on the store's word commit -> `done`. When the store's books
///               give the number to someone else, another number is tried (at most kMaxAttempts); when they
///               give the visit another number, that one is taken over. When the store is away, a pool of
///               Durability::kAvailable commits from memory and marks the lease as not durable; one of
///               kRequired answers kStoreUnavailable, and keeps the number aside when the write may have
///               happened (kInDoubt): the visit's retry gets it.
///     renew     first in memory, then the store: a number held too long does no harm, one given away too
///               early does.
///     release   first the store's word is asked for, memory ends at once: the hold protects the number
///               meanwhile.
///
/// Requests of one visit that meet in flight are one write: the later ones wait for the first one's outcome
/// (no thread does), and are written once more when they ask for a later expiry.
///
/// Every member may be called from any thread. `done` is called exactly once, from inside the call or from
/// the store's thread; it must not block. Without a store (nullptr) all leases are in memory only.
class Leasing {
 public:
  using Done = std::function<void(const LeaseAnswer&)>;

  /// Numbers tried for one lease before kStoreUnavailable.
  static constexpr int kMaxAttempts = 4;

  /// Requests that may wait for the store at one time; beyond it kBusy.
  static constexpr std::uint64_t kMaxWaiting = 65'536;

  Leasing(NumberPools& pools, LeaseStore* store, const Clock& clock);

  Leasing(const Leasing&) = delete;
  Leasing& operator=(const Leasing&) = delete;

  NumberPools& pools() { return pools_; }
  const Clock& clock() const { return clock_; }

  /// Lends a number to a visit until `now + ttl`; the pool's own time when `ttl` is none.
  void lease(PoolIndex pool, const VisitView& visit, std::optional<Duration> ttl, AdmissionClass admission,
             Done done);

  /// Extends the visit's lease to `now + ttl`; the pool's own time when `ttl` is none.
  void renew(PoolIndex pool, std::string_view visit_id, std::optional<Duration> ttl, Done done);

  /// Ends the visit's lease. kLeased with `lease.live == false` when it was live or had ended already.
  void release(PoolIndex pool, std::string_view visit_id, Done done);

  /// The visit's lease in memory.
  LeaseAnswer get(PoolIndex pool, std::string_view visit_id) const;

  /// Ends what is due and tells the store; call it a few times a second, from one thread.
  void tick();

  /// Writes about `limit` records that the store does not know (leases and ends made while it was away), the
  /// ended ones first, so that its books have room for the live ones. Call it when the store comes back, and
  /// again until it returns 0: that is the end of one pass. What became unknown behind a pass is for the next
  /// one: while PoolCounts::nondurable is above 0, pass again. From one thread.
  std::size_t replay(std::size_t limit);

  LeasingTotals totals() const;

 private:
  struct Request;
  using RequestPtr = std::shared_ptr<Request>;

  bool enter();
  void start(const RequestPtr& request);
  void attempt(const RequestPtr& request);
  void write(const RequestPtr& request, const Reservation& reservation);
  LeaseRecord record(const Request& request, const Reservation& reservation) const;
  bool tell_ends(const RequestPtr& request, Number number);
  void attempt_from_memory(const RequestPtr& request);
  void stored(const RequestPtr& request, const Reservation& reservation, const StoreReply& reply);
  void lend(const RequestPtr& request, const Reservation& reservation, bool durable);
  void lend_unwritten(const RequestPtr& request, const Reservation& reservation);
  void try_another(const RequestPtr& request);
  void take_over(const RequestPtr& request, const Reservation& reservation, const StoreReply& reply);
  void without_store(const RequestPtr& request, const Reservation& reservation, bool in_doubt);
  void finish(const RequestPtr& request, const LeaseAnswer& answer);
  void renewed(PoolIndex pool, const LeaseView& lease, bool written_again, const StoreReply& reply,
               const Done& done);
  void answer_written(PoolIndex pool, const LeaseView& lease, bool durable, const Done& done);
  void make_good(const LeaseView& lease);
  void replay_one(PoolIndex pool, const LeaseView& lease);
  void expired(const LeaseView& lease, const StoreReply& reply);
  LeaseRecord record(PoolIndex pool, const LeaseView& lease) const;
  bool required(PoolIndex pool) const { return pools_.config(pool).durability == Durability::kRequired; }

  // constant after construction
  NumberPools& pools_;
  LeaseStore* const store_;
  const Clock& clock_;

  // guarded by mutex_, which is never held across a call out: the undecided requests by pool and visit, each
  // with the requests of the same visit that wait for what becomes of it. Not more than kMaxWaiting in all.
  std::mutex mutex_;
  std::unordered_map<std::string, RequestPtr> undecided_;

  // the replaying thread's
  std::uint32_t replay_pool_ = 0;
  std::uint32_t replay_slot_ = 0;
  bool replay_live_ = false;  // ends are told first, then what is live

  // own synchronization
  struct Counters {
    std::atomic<std::uint64_t> durable{0}, nondurable{0}, unavailable{0}, busy{0}, conflicts{0}, replayed{0},
        waiting{0};
  };
  Counters counters_;
};

}  // namespace ringtrace::pool
