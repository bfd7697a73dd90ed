#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "pool/config.h"
#include "pool/number.h"
#include "pool/resolution.h"
#include "pool/time.h"
#include "pool/visit.h"

namespace ringtrace::pool {

/// Which pool, by its place in the configuration.
struct PoolIndex {
  std::uint32_t value = 0;
  friend bool operator==(PoolIndex, PoolIndex) = default;
};

/// One lease, named for the two-phase protocol. Never confused with a later lease of the same number.
struct Ticket {
  PoolIndex pool;
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  friend bool operator==(const Ticket&, const Ticket&) = default;
};

/// What `reserve` found.
enum class ReserveOutcome : std::uint8_t {
  kReserved,  ///< a number is set aside; ends with commit or cancel
  kHeld,      ///< the visit holds a number already: it is extended
  kPending,   ///< the same visit's reservation is not decided yet; `ticket` and `expire` are that one's
  kFallback,  ///< exhausted, or a bot: the fallback number, held by nobody
  kRefused,   ///< exhausted, and the pool refuses
};

/// The answer of `reserve`. `ticket`, `start`, `expire` are meaningful for kReserved, kHeld and kPending.
struct Reservation {
  ReserveOutcome outcome = ReserveOutcome::kRefused;
  Ticket ticket;
  Number number;                 ///< the number to show; no number for kRefused
  Time start = kNever;           ///< when the visit was first lent the number
  Time expire = kNever;          ///< when the lease ends unless renewed
  std::optional<Duration> idle;  ///< how long the number had been free before; none when never lent
  bool durable = false;          ///< the store knows this lease as it stands
  bool sticky = false;           ///< a returning visitor got the same number again
  bool out_of_turn = false;      ///< nothing was free in order, and this number rested out of it
};

/// One lease as it stands.
struct LeaseView {
  LeaseView() {}  // user-provided: of its texts no byte is written before they are

  Ticket ticket;
  Number number;
  VisitId visit;
  Source source;
  Time start = kNever;
  Time expire = kNever;  ///< of a live lease: when it will end; of an ended one: when it did
  bool live = false;     ///< false: ended; the number is in its hold or has not been lent since
  bool durable = false;  ///< the store knows this record as it stands
  bool lapsed = false;   ///< of a number's last lease: it ended by time, not by a release
};

/// A lease read back from the store.
struct StoredLease {
  Number number;
  VisitView visit;
  Time start = kNever;
  Time expire = kNever;
  std::optional<Time> ended;  ///< when it was released or expired; none: it stands until `expire`
};

/// What became of a stored lease.
enum class RestoreOutcome : std::uint8_t {
  kLive,      ///< the visit holds the number again
  kEnded,     ///< remembered as the number's last holder, with its hold and place in the free order
  kKnown,     ///< memory has the same lease already
  kConflict,  ///< memory has lent the number to another visit meanwhile; both are candidates for a call
  kForeign,   ///< the number is not in this pool any more; nothing was done
};

/// How much of a pool is in use. The five states add up to `total`.
struct PoolCounts {
  std::uint64_t total = 0;
  std::uint64_t leased = 0;
  std::uint64_t held = 0;  ///< ended less than the hold ago
  std::uint64_t free = 0;
  std::uint64_t reserved = 0;           ///< between reserve and commit
  std::uint64_t drained = 0;            ///< taken out of use, lease and hold over
  std::uint64_t nondurable = 0;         ///< leased, and not known to the store; part of `leased`
  std::optional<Duration> oldest_idle;  ///< of the number lent next; none: never lent, or none free
};

/// Histogram of how long numbers had been idle when they were lent again: bucket i counts those below
/// kBounds[i].
struct IdleHistogram {
  static constexpr std::array<Duration, 10> kBounds = {std::chrono::seconds(150), std::chrono::minutes(5),
                                                       std::chrono::minutes(10),  std::chrono::minutes(20),
                                                       std::chrono::minutes(40),  std::chrono::hours(1),
                                                       std::chrono::hours(3),     std::chrono::hours(12),
                                                       std::chrono::hours(24),    std::chrono::hours(24 * 7)};
  std::array<std::uint64_t, kBounds.size() + 1> buckets{};
  std::uint64_t total_seconds = 0;
};

/// What has happened to a pool since start. Each only grows.
struct PoolTotals {
  std::uint64_t leases = 0;      ///< committed
  std::uint64_t extensions = 0;  ///< reserve of a visit that held its number already
  std::uint64_t renewals = 0;
  std::uint64_t releases = 0;
  std::uint64_t expiries = 0;
  std::uint64_t cancellations = 0;       ///< reservations the store refused
  std::uint64_t sticky = 0;              ///< leases of the visitor's former number
  std::uint64_t fallbacks = 0;           ///< exhausted, fallback shown
  std::uint64_t refusals = 0;            ///< exhausted, nothing shown
  std::uint64_t bots = 0;                ///< fallback shown to a bot
  std::uint64_t attributes_dropped = 0;  ///< visits whose attributes found no room in memory
  IdleHistogram idle;
};

/// Leases by source: the denominators of the attribution weights.
struct ShownCount {
  Source source;
  std::uint64_t shown = 0;
};

/// All number pools of a gateway: who holds which number, since when, and who held it before.
///
///     auto pools = std::get<std::unique_ptr<NumberPools>>(NumberPools::create(config));
///     const VisitView visit{"visit-1", "", "google/cpc", ""};
///     const Reservation r = pools->reserve(*pools->find("main"), visit, ttl, AdmissionClass::kNormal, now);
///     if (r.outcome == ReserveOutcome::kReserved) pools->commit(r.ticket, /*durable=*/true, now);
///     const Resolution who = pools->resolve({r.number, caller, now});   // ACTIVE_LEASE, visit-1
///
/// Life of a number:  free -> reserved -> leased -> held -> free.  A number is lent to another visit only
/// when its hold is over, the longest idle first; the same visit, or a visit of the same visitor, may have it
/// back at any time before that.
///
/// Time is the caller's: pass a clock that never goes back. Every member may be called from any thread at any
/// time; none blocks, waits, allocates (but for the ones that return std::string) or does I/O, and none
/// throws. All are lock-free but add_numbers, which is so to all others: a thread stopped at any instruction
/// in here stops no other (lending_pool.h says how, and what a stopped thread keeps from the others: the one
/// number it has in hand).
///
/// Memory is fixed at start: 352 bytes a number and about 45 more for queue, indices and directory, of ten
/// million numbers 398 in all; beside it the attributes' arena (PoolsConfig::attribute_bytes), 256 bytes a
/// known caller and 7 MB for source labels. It remembers the last four holders of each number whose visit
/// ids have at most 56 bytes, fewer of longer ones; a reservation under way takes the place of the oldest.
class NumberPools {
 public:
  /// Builds the pools with all the memory they will ever use. On a mistake in the configuration: what it is.
  static std::variant<std::unique_ptr<NumberPools>, std::string> create(const PoolsConfig& config);

  ~NumberPools();
  NumberPools(const NumberPools&) = delete;
  NumberPools& operator=(const NumberPools&) = delete;

  /// The pool of that name; none when there is none.
  std::optional<PoolIndex> find(std::string_view name) const;
  std::size_t pool_count() const;
  const PoolConfig& config(PoolIndex pool) const;

  // --- leases ---

  /// Sets a number aside for the visit, or finds the one it holds and extends it to `now + ttl` (never
  /// shortens). A reserved number is shown to nobody and resolves to nobody until `commit`.
  Reservation reserve(PoolIndex pool, const VisitView& visit, Duration ttl, AdmissionClass admission,
                      Time now);

  /// Makes a reservation a lease. True also when it is one already (a shared, pending ticket); false when the
  /// ticket is over. `durable`: the store has acknowledged it.
  bool commit(const Ticket& ticket, bool durable, Time now);

  /// Gives a reserved number back as if never taken. False when the ticket is no reservation (any more).
  bool cancel(const Ticket& ticket, Time now);

  /// Gives up a reservation or a live lease whose number is someone else's by the store's books: the number
  /// is held from `now` on, as if a lease had just ended, and neither the visit nor who had it before comes
  /// back to it (their records stay as candidates). False when the ticket is over.
  bool hold_back(const Ticket& ticket, Time now);

  /// Notes that the store knows (or no longer knows) the ticket's record as it stands with `expire`; a later
  /// change to the lease makes the call without effect.
  void set_durable(const Ticket& ticket, Time expire, bool durable);

  /// Extends the visit's lease to `expire` (never shortens); in the hold it brings the lease back. None when
  /// the visit holds nothing.
  std::optional<LeaseView> renew(PoolIndex pool, std::string_view visit_id, Time expire, Time now);

  /// Ends the visit's lease at `now`. None when the visit holds nothing live.
  std::optional<LeaseView> release(PoolIndex pool, std::string_view visit_id, Time now);

  /// The visit's lease, live or in its hold. None when there is none.
  std::optional<LeaseView> find_lease(PoolIndex pool, std::string_view visit_id, Time now) const;

  /// Ends leases that are due and frees numbers whose hold is over; writes the leases it ended to `ended` and
  /// returns their count. When that equals the size of `ended`, there may be more: call again.
  std::size_t advance(Time now, std::span<LeaseView> ended);

  /// Reads records from slot `from` on into `out`, in no order; returns how many and moves `from`. Over when
  /// 0. Only slots that ever held a lease; `only_nondurable`: only those whose record the store does not
  /// know.
  std::size_t scan(PoolIndex pool, std::uint32_t& from, bool only_nondurable, std::span<LeaseView> out) const;

  /// The ended leases of a number that the store does not know, oldest first; returns how many. At most four.
  std::size_t untold_ends(PoolIndex pool, Number number, std::span<LeaseView> out) const;

  /// Takes over a lease of an earlier life. The free order is right when ended leases come in the order they
  /// ended.
  RestoreOutcome restore(PoolIndex pool, const StoredLease& lease, Time now);

  // --- numbers ---

  /// Puts numbers into a pool, or drained ones back; returns how many were not in use. Numbers beyond the
  /// room fixed at start (a sixteenth more than configured, at least 1,024 and at most 65,536 more) and
  /// numbers of another pool are left out. One thread at a time is inside; others who add wait for it.
  std::size_t add_numbers(PoolIndex pool, std::span<const Number> numbers);

  /// Takes numbers out of use: a leased one finishes its lease and hold. Returns how many were in use.
  std::size_t drain_numbers(PoolIndex pool, std::span<const Number> numbers);

  // --- calls ---

  /// Who calls? See ResolutionMethod for the cases and attribution.h for the weights.
  Resolution resolve(const ResolveQuery& query) const;

  /// Learns from a routed call: the caller is known from now on as the resolved visit's, and the method is
  /// counted.
  void observe_call(const ResolveQuery& query, const Resolution& resolution);

  /// Forgets what calls taught of a caller, in all pools: the next call is a stranger's.
  void forget_caller(Number caller);

  /// The attributes a candidate's visit brought; none when memory does not have them (any more).
  std::optional<std::string> attributes(Number dialed, const VisitId& visit) const;

  /// The visitor of a candidate's visit; empty when it brought none, or memory does not have it (any more).
  VisitorId visitor(Number dialed, const VisitId& visit) const;

  // --- figures ---

  PoolCounts counts(PoolIndex pool, Time now) const;
  PoolTotals totals(PoolIndex pool) const;

  /// Calls resolved (observe_call) by ResolutionMethod.
  std::array<std::uint64_t, kResolutionMethods> resolutions() const;

  /// Numbers shown by source, at most `out.size()` sources; returns how many.
  std::size_t shown(PoolIndex pool, std::span<ShownCount> out) const;

  /// Bytes fixed at start.
  std::size_t memory_bytes() const;

 private:
  struct State;
  explicit NumberPools(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringtrace::pool
