#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "pool/attribute_arena.h"
#include "pool/chain_index.h"
#include "pool/config.h"
#include "pool/number_pools.h"
#include "pool/siphash.h"
#include "pool/slot.h"
#include "pool/slot_heap.h"
#include "pool/source_counts.h"

namespace ringtrace::pool {

/// One pool of NumberPools, with the meanings documented there. Not thread-safe.
///
/// Invariants: a slot is in exactly one of leased_ (ordered by expiry), held_ and free_ (ordered by the last
/// end), or it is reserved or drained. visits_ has the record of every slot that was ever lent and the
/// pending record of every reserved one; visitors_ the former only.
class LendingPool {
 public:
  LendingPool(const PoolConfig& config, PoolIndex index, const SipKey& key, AttributeArena& arena);

  const PoolConfig& config() const { return config_; }

  Reservation reserve(const VisitView& visit, Duration ttl, AdmissionClass admission, Time now);
  bool commit(const Ticket& ticket, bool durable, Time now);
  bool cancel(const Ticket& ticket, Time now);
  bool hold_back(const Ticket& ticket, Time now);
  void set_durable(const Ticket& ticket, Time expire, bool durable);
  std::optional<LeaseView> renew(std::string_view visit_id, Time expire, Time now);
  std::optional<LeaseView> release(std::string_view visit_id, Time now);
  std::optional<LeaseView> find_lease(std::string_view visit_id, Time now);
  std::size_t advance(Time now, std::span<LeaseView> ended);
  std::size_t scan(std::uint32_t& from, bool only_nondurable, std::span<LeaseView> out) const;
  std::size_t untold_ends(std::uint32_t slot, std::span<LeaseView> out) const;
  RestoreOutcome restore(std::uint32_t slot, const StoredLease& lease, Time now);

  /// The new number's slot; none when there is no room.
  std::optional<std::uint32_t> add_number(Number number);
  /// Takes back what `drain` began; false when the slot is in use.
  bool undrain(std::uint32_t slot);
  bool drain(std::uint32_t slot);

  const Slot& slot(std::uint32_t index) const { return slots_[index]; }
  std::optional<std::string> attributes(std::uint32_t slot, const VisitId& visit) const;

  PoolCounts counts(Time now);
  const PoolTotals& totals() const { return totals_; }
  std::size_t shown(std::span<ShownCount> out) const { return shown_.read(out); }
  std::size_t memory_bytes() const;

  static std::size_t capacity(const PoolConfig& config);

 private:
  struct Choice {
    std::uint32_t slot;
    bool sticky;
  };

  // lending_pool.cc: the life of a lease
  void settle(Time now);
  void end_lease(std::uint32_t slot, Time end);
  void rest(std::uint32_t slot);
  void set_free(std::uint32_t slot);
  void leave_rest(std::uint32_t slot);
  void extend(std::uint32_t slot, Time expire);
  void revive(std::uint32_t slot, Time expire);
  void forget_record(std::uint32_t slot, const VisitId& next);
  void install_record(std::uint32_t slot);
  std::optional<Choice> choose(const VisitView& visit, AdmissionClass admission) const;
  Reservation reserve_slot(const Choice& choice, const VisitView& visit, Time expire, Time now);
  Reservation without_number(const VisitView& visit, AdmissionClass admission);
  Reservation describe(std::uint32_t slot, ReserveOutcome outcome) const;
  AttributeArena::Handle keep_attributes(std::string_view attributes);
  Record record_of(const VisitView& visit, Time start, Time expire);
  void note_untold_end(std::uint32_t slot);
  bool may_take_free(AdmissionClass admission) const;

  // lending_pool_books.cc: look-ups, taking over, numbers, figures
  std::uint32_t slot_of_visit(std::string_view visit_id) const;
  std::uint32_t slot_of_visitor(std::string_view visitor_id) const;
  Slot* ticketed(const Ticket& ticket, SlotState state);
  LeaseView view(std::uint32_t slot) const;
  RestoreOutcome restore_same_visit(std::uint32_t slot, const StoredLease& lease, Time now);
  RestoreOutcome restore_pending(std::uint32_t slot, const StoredLease& lease);
  void restore_into(std::uint32_t slot, const StoredLease& lease, Time end, bool live);
  std::uint64_t hash(std::string_view text) const { return siphash(key_, text); }
  std::uint32_t node(std::uint32_t slot, bool pending) const {
    return 2 * slot + (slots_[slot].side ^ (pending ? 1U : 0U));
  }

  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  const PoolConfig config_;
  const PoolIndex index_;
  const SipKey key_;
  AttributeArena& arena_;
  std::vector<Slot> slots_;  // capacity fixed at start
  ChainIndex visits_;        // node: 2 * slot + side
  ChainIndex visitors_;      // the same nodes
  SlotHeap leased_;
  SlotHeap held_;
  SlotHeap free_;
  std::uint32_t first_untold_ = kNone;  // queue of ends that advance has not told
  std::uint32_t last_untold_ = kNone;
  std::uint64_t generations_ = 0;
  std::uint64_t reserved_ = 0;
  std::uint64_t drained_ = 0;
  std::uint64_t nondurable_ = 0;
  PoolTotals totals_;
  SourceCounts shown_;
};

}  // namespace ringtrace::pool
