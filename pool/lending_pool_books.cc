#include <algorithm>
#include <array>

#include "pool/lending_pool.h"

namespace ringtrace::pool {
namespace {

/// Records looked at for one visitor: a made-up visitor id on every visit must not cost a walk over all.
constexpr int kMostVisitorRecords = 64;

/// Which of a visit's records counts: the live one before the ended ones.
int rank(SlotState state, bool pending) {
  if (pending) return state == SlotState::kReserved ? 5 : 0;
  switch (state) {
    case SlotState::kLeased:
      return 4;
    case SlotState::kHeld:
      return 3;
    case SlotState::kFree:
      return 2;
    default:
      return 1;
  }
}

}  // namespace

std::uint32_t LendingPool::slot_of_visit(std::string_view visit_id) const {
  std::uint32_t best = kNone;
  int best_rank = 0;
  visits_.for_each(hash(visit_id), [&](std::uint32_t node) {
    const Slot& slot = slots_[node / 2];
    const bool pending = (node & 1U) != slot.side;
    if (slot.records[node & 1U].visit.view() == visit_id && rank(slot.state, pending) > best_rank) {
      best = node / 2;
      best_rank = rank(slot.state, pending);
    }
    return true;
  });
  return best;
}

/// The number a visitor had last, among those that nobody has now.
std::uint32_t LendingPool::slot_of_visitor(std::string_view visitor_id) const {
  if (visitor_id.empty()) return kNone;
  std::uint32_t best = kNone;
  int looked_at = 0;
  visitors_.for_each(hash(visitor_id), [&](std::uint32_t node) {
    const Slot& slot = slots_[node / 2];
    const bool vacant = slot.state == SlotState::kFree || slot.state == SlotState::kHeld;
    if (vacant && !slot.draining && slot.record().visitor.view() == visitor_id &&
        (best == kNone || slots_[best].record().expire < slot.record().expire)) {
      best = node / 2;
    }
    return ++looked_at < kMostVisitorRecords;
  });
  return best;
}

Slot* LendingPool::ticketed(const Ticket& ticket, SlotState state) {
  if (ticket.slot >= slots_.size()) return nullptr;
  Slot& slot = slots_[ticket.slot];
  if (slot.state != state) return nullptr;
  const Record& record = state == SlotState::kReserved ? slot.pending() : slot.record();
  return record.generation == ticket.generation ? &slot : nullptr;
}

LeaseView LendingPool::view(std::uint32_t index) const {
  const Slot& slot = slots_[index];
  const Record& record = slot.record();
  return {{index_, index, record.generation},
          slot.number,
          record.visit,
          record.visitor,
          record.source,
          record.start,
          record.expire,
          slot.state == SlotState::kLeased,
          record.durable};
}

void LendingPool::set_durable(const Ticket& ticket, Time expire, bool durable) {
  if (ticket.slot >= slots_.size()) return;
  Slot& slot = slots_[ticket.slot];
  Record& record = slot.record();
  if (slot.ever_lent && record.generation == ticket.generation) {
    if (record.expire != expire || record.durable == durable) return;
    if (slot.state == SlotState::kLeased) durable ? --nondurable_ : ++nondurable_;
    record.durable = durable;
    return;
  }
  for (FormerHolder& former : slot.formers.all()) {
    if (former.generation == ticket.generation && former.end == expire) former.durable = durable;
  }
}

std::optional<LeaseView> LendingPool::find_lease(std::string_view visit_id, Time now) {
  settle(now);
  const std::uint32_t slot = slot_of_visit(visit_id);
  if (slot == kNone) return std::nullopt;
  const SlotState state = slots_[slot].state;
  if (state != SlotState::kLeased && state != SlotState::kHeld) return std::nullopt;
  return view(slot);
}

std::size_t LendingPool::untold_ends(std::uint32_t index, std::span<LeaseView> out) const {
  const Slot& slot = slots_[index];
  std::size_t count = 0;
  for (const FormerHolder& f : slot.formers.all()) {
    if (f.durable || count == out.size()) continue;
    out[count++] = {
        {index_, index, f.generation}, slot.number, f.visit, {}, f.source, f.start, f.end, false, false};
  }
  const bool ended = slot.ever_lent && slot.state != SlotState::kLeased && !slot.record().durable;
  if (ended && count < out.size()) out[count++] = view(index);
  return count;
}

std::size_t LendingPool::scan(std::uint32_t& from, bool only_nondurable, std::span<LeaseView> out) const {
  std::size_t count = 0;
  for (; from < slots_.size() && count < out.size(); ++from) {
    const Slot& slot = slots_[from];
    if (!only_nondurable) {
      if (slot.ever_lent) out[count++] = view(from);
      continue;
    }
    std::array<LeaseView, FormerHolders::kMost + 1> found;
    std::size_t records = untold_ends(from, found);
    const bool live = slot.ever_lent && slot.state == SlotState::kLeased && !slot.record().durable;
    if (live) found[records++] = view(from);
    if (count > 0 && count + records > out.size()) return count;
    records = std::min(records, out.size() - count);
    std::copy_n(found.begin(), records, out.begin() + static_cast<std::ptrdiff_t>(count));
    count += records;
  }
  return count;
}

RestoreOutcome LendingPool::restore(std::uint32_t index, const StoredLease& lease, Time now) {
  settle(now);
  Slot& slot = slots_[index];
  const std::string_view visit = lease.visit.visit_id;
  const Time end = lease.ended ? std::min(*lease.ended, lease.expire) : lease.expire;
  const bool live = !lease.ended && lease.expire > now;

  if (slot.state == SlotState::kReserved) {
    if (slot.pending().visit.view() == visit && live) return restore_pending(index, lease);
    if (live) cancel({index_, index, slot.pending().generation}, now);
  }
  if (slot.ever_lent && slot.record().visit.view() == visit &&
      (slot.record().start == lease.start || slot.state == SlotState::kLeased)) {
    return restore_same_visit(index, lease, now);
  }
  const bool later_lease = slot.state == SlotState::kLeased || slot.state == SlotState::kReserved;
  const bool later_end = slot.ever_lent && !live && end <= slot.record().expire;
  if (later_lease || later_end) {
    const auto formers = slot.formers.all();
    const bool known = std::any_of(formers.begin(), formers.end(), [&](const FormerHolder& f) {
      return f.visit.view() == visit && f.start == lease.start;
    });
    if (known) return RestoreOutcome::kKnown;
    const Record record = record_of(lease.visit, lease.start, end);
    slot.formers.add(
        {record.visit, record.source, record.start, end, record.generation, record.attributes, true});
    return live ? RestoreOutcome::kConflict : RestoreOutcome::kEnded;
  }
  const std::uint32_t held = slot_of_visit(visit);
  const bool elsewhere =
      held != kNone && held != index &&
      (slots_[held].state == SlotState::kLeased || slots_[held].state == SlotState::kReserved);
  restore_into(index, lease, end, live && !elsewhere);
  settle(now);
  return !live ? RestoreOutcome::kEnded : elsewhere ? RestoreOutcome::kConflict : RestoreOutcome::kLive;
}

/// Memory has this lease, perhaps as it was before or after the store wrote it.
RestoreOutcome LendingPool::restore_same_visit(std::uint32_t index, const StoredLease& lease, Time now) {
  Slot& slot = slots_[index];
  if (lease.ended || lease.expire <= now || lease.expire <= slot.record().expire)
    return RestoreOutcome::kKnown;
  if (slot.state == SlotState::kLeased) {
    extend(index, lease.expire);
    set_durable({index_, index, slot.record().generation}, lease.expire, true);
    return RestoreOutcome::kKnown;
  }
  if (slot.state == SlotState::kReserved) return RestoreOutcome::kConflict;
  revive(index, lease.expire);
  set_durable({index_, index, slot.record().generation}, lease.expire, true);
  return RestoreOutcome::kLive;
}

/// The store has what this visit's reservation waits for.
RestoreOutcome LendingPool::restore_pending(std::uint32_t index, const StoredLease& lease) {
  Record& pending = slots_[index].pending();
  pending.start = std::min(pending.start, lease.start);
  pending.expire = std::max(pending.expire, lease.expire);
  commit({index_, index, pending.generation}, pending.expire == lease.expire, pending.start);
  return RestoreOutcome::kLive;
}

/// The stored lease becomes the record of a slot that nobody has; one that is over, or not `live` in this
/// pool's books, waits out its hold from `end` on.
void LendingPool::restore_into(std::uint32_t index, const StoredLease& lease, Time end, bool live) {
  Slot& slot = slots_[index];
  leave_rest(index);
  forget_record(index, VisitId::cut(lease.visit.visit_id));
  slot.pending() = record_of(lease.visit, lease.start, live ? lease.expire : end);
  slot.pending().durable = true;
  visits_.insert(node(index, true), hash(lease.visit.visit_id));
  install_record(index);
  if (live) {
    slot.state = SlotState::kLeased;
    leased_.push(index, lease.expire);
  } else {
    slot.idle_since = end;
    rest(index);
  }
}

std::optional<std::uint32_t> LendingPool::add_number(Number number) {
  if (slots_.size() == slots_.capacity()) return std::nullopt;
  const auto index = static_cast<std::uint32_t>(slots_.size());
  slots_.emplace_back().number = number;
  set_free(index);
  return index;
}

bool LendingPool::undrain(std::uint32_t index) {
  Slot& slot = slots_[index];
  if (!slot.draining) return false;
  slot.draining = false;
  if (slot.state == SlotState::kDrained) {
    --drained_;
    set_free(index);
  }
  return true;
}

bool LendingPool::drain(std::uint32_t index) {
  Slot& slot = slots_[index];
  if (slot.draining) return false;
  slot.draining = true;
  if (slot.state == SlotState::kFree) {
    free_.remove(index);
    set_free(index);
  }
  return true;
}

std::optional<std::string> LendingPool::attributes(std::uint32_t index, const VisitId& visit) const {
  const Slot& slot = slots_[index];
  if (slot.ever_lent && slot.record().visit == visit) return arena_.get(slot.record().attributes);
  const auto formers = slot.formers.all();
  for (auto former = formers.rbegin(); former != formers.rend(); ++former) {
    if (former->visit == visit) return arena_.get(former->attributes);
  }
  return std::nullopt;
}

PoolCounts LendingPool::counts(Time now) {
  settle(now);
  PoolCounts counts{slots_.size(), leased_.size(), held_.size(), free_.size(),
                    reserved_,     drained_,       nondurable_,  std::nullopt};
  if (!free_.empty() && free_.first_key() != kNever) counts.oldest_idle = now - free_.first_key();
  return counts;
}

std::size_t LendingPool::memory_bytes() const {
  return slots_.capacity() * sizeof(Slot) + visits_.memory_bytes() + visitors_.memory_bytes() +
         leased_.memory_bytes() + held_.memory_bytes() + free_.memory_bytes() + shown_.memory_bytes();
}

}  // namespace ringtrace::pool
