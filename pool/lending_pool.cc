#include "pool/lending_pool.h"

#include <algorithm>

#include "pool/assert.h"

namespace ringtrace::pool {
namespace {

constexpr Duration kLongestTtl = std::chrono::hours(24 * 30);

Time expiry(Time now, Duration ttl) { return now + std::clamp(ttl, Duration(1), kLongestTtl); }

}  // namespace

std::size_t LendingPool::capacity(const PoolConfig& config) {
  return std::max(2 * config.numbers.size(), config.numbers.size() + 1024);
}

LendingPool::LendingPool(const PoolConfig& config, PoolIndex index, const SipKey& key, AttributeArena& arena)
    : config_(config),
      index_(index),
      key_(key),
      arena_(arena),
      visits_(2 * capacity(config)),
      visitors_(2 * capacity(config)),
      leased_(capacity(config)),
      held_(capacity(config)),
      free_(capacity(config)) {
  slots_.reserve(capacity(config));
}

/// Brings every slot to where it is at `now`: leases that are due end, numbers whose hold is over are free.
void LendingPool::settle(Time now) {
  while (!leased_.empty() && leased_.first_key() <= now) {
    const std::uint32_t slot = leased_.first();
    end_lease(slot, leased_.first_key());
    ++totals_.expiries;
    note_untold_end(slot);
  }
  while (!held_.empty() && held_.first_key() + config_.hold <= now) {
    const std::uint32_t slot = held_.first();
    held_.remove(slot);
    set_free(slot);
  }
}

void LendingPool::set_free(std::uint32_t slot) {
  if (slots_[slot].draining) {
    slots_[slot].state = SlotState::kDrained;
    ++drained_;
  } else {
    slots_[slot].state = SlotState::kFree;
    free_.push(slot, slots_[slot].idle_since);
  }
}

void LendingPool::end_lease(std::uint32_t slot, Time end) {
  leased_.remove(slot);
  slots_[slot].record().expire = end;
  slots_[slot].idle_since = end;
  if (!slots_[slot].record().durable) --nondurable_;
  rest(slot);
}

/// A number that nobody has any more waits out its hold first; `settle` does the rest.
void LendingPool::rest(std::uint32_t slot) {
  if (slots_[slot].idle_since == kNever) return set_free(slot);
  slots_[slot].state = SlotState::kHeld;
  held_.push(slot, slots_[slot].idle_since);
}

void LendingPool::leave_rest(std::uint32_t slot) {
  switch (slots_[slot].state) {
    case SlotState::kHeld:
      held_.remove(slot);
      break;
    case SlotState::kFree:
      free_.remove(slot);
      break;
    case SlotState::kDrained:
      --drained_;
      break;
    default:
      RINGTRACE_ASSERT(false && "the slot is neither held, free nor drained");
  }
}

void LendingPool::note_untold_end(std::uint32_t slot) {
  Slot& ended = slots_[slot];
  ended.end_untold = true;
  if (ended.in_end_queue) return;
  ended.in_end_queue = true;
  ended.next_end = kNone;
  (last_untold_ == kNone ? first_untold_ : slots_[last_untold_].next_end) = slot;
  last_untold_ = slot;
}

std::size_t LendingPool::advance(Time now, std::span<LeaseView> ended) {
  settle(now);
  std::size_t count = 0;
  while (first_untold_ != kNone && count < ended.size()) {
    Slot& slot = slots_[first_untold_];
    if (slot.end_untold) ended[count++] = view(first_untold_);
    slot.end_untold = slot.in_end_queue = false;
    first_untold_ = slot.next_end;
    if (first_untold_ == kNone) last_untold_ = kNone;
  }
  return count;
}

void LendingPool::extend(std::uint32_t slot, Time expire) {
  Record& record = slots_[slot].record();
  if (expire <= record.expire) return;
  record.expire = expire;
  leased_.remove(slot);
  leased_.push(slot, expire);
  if (record.durable) ++nondurable_;
  record.durable = false;
}

/// The lease ended and is back before its number went to anybody else.
void LendingPool::revive(std::uint32_t slot, Time expire) {
  leave_rest(slot);
  Slot& revived = slots_[slot];
  revived.state = SlotState::kLeased;
  revived.end_untold = false;
  revived.record().expire = std::max(expire, revived.record().expire);
  revived.record().durable = false;
  ++nondurable_;
  leased_.push(slot, revived.record().expire);
}

bool LendingPool::may_take_free(AdmissionClass admission) const {
  return free_.size() > (admission == AdmissionClass::kValuable ? 0 : config_.valuable_reserve);
}

std::optional<LendingPool::Choice> LendingPool::choose(const VisitView& visit,
                                                       AdmissionClass admission) const {
  for (const std::uint32_t former : {slot_of_visit(visit.visit_id), slot_of_visitor(visit.visitor_id)}) {
    if (former == kNone || slots_[former].draining) continue;
    if (slots_[former].state == SlotState::kHeld) return Choice{former, true};
    if (slots_[former].state == SlotState::kFree && may_take_free(admission)) return Choice{former, true};
  }
  if (!may_take_free(admission)) return std::nullopt;
  return Choice{free_.first(), false};
}

Reservation LendingPool::reserve(const VisitView& visit, Duration ttl, AdmissionClass admission, Time now) {
  settle(now);
  if (!is_valid_visit_id(visit.visit_id) || !is_valid_visitor_id(visit.visitor_id)) return {};
  if (admission == AdmissionClass::kBot) return without_number(visit, admission);
  const Time expire = expiry(now, ttl);
  const std::uint32_t own = slot_of_visit(visit.visit_id);
  if (own != kNone) {
    Slot& slot = slots_[own];
    if (slot.state == SlotState::kReserved && slot.pending().visit.view() == visit.visit_id) {
      slot.pending().expire = std::max(slot.pending().expire, expire);
      return describe(own, ReserveOutcome::kPending);
    }
    if (slot.state == SlotState::kLeased || slot.state == SlotState::kHeld) {
      slot.state == SlotState::kLeased ? extend(own, expire) : revive(own, expire);
      ++totals_.extensions;
      return describe(own, ReserveOutcome::kHeld);
    }
  }
  const std::optional<Choice> choice = choose(visit, admission);
  return choice ? reserve_slot(*choice, visit, expire, now) : without_number(visit, admission);
}

AttributeArena::Handle LendingPool::keep_attributes(std::string_view attributes) {
  const auto handle = attributes.size() <= kMaxAttributesBytes ? arena_.put(attributes)
                                                               : std::optional<AttributeArena::Handle>();
  if (!handle) ++totals_.attributes_dropped;
  return handle.value_or(AttributeArena::lost());
}

Record LendingPool::record_of(const VisitView& visit, Time start, Time expire) {
  return {VisitId::cut(visit.visit_id),
          VisitorId::cut(visit.visitor_id),
          Source::cut(visit.source),
          start,
          expire,
          ++generations_,
          keep_attributes(visit.attributes),
          false};
}

Reservation LendingPool::reserve_slot(const Choice& choice, const VisitView& visit, Time expire, Time now) {
  leave_rest(choice.slot);
  ++reserved_;
  Slot& slot = slots_[choice.slot];
  slot.state = SlotState::kReserved;
  slot.sticky = choice.sticky;
  slot.pending() = record_of(visit, now, expire);
  visits_.insert(node(choice.slot, true), hash(visit.visit_id));
  return describe(choice.slot, ReserveOutcome::kReserved);
}

Reservation LendingPool::without_number(const VisitView& visit, AdmissionClass admission) {
  const bool bot = admission == AdmissionClass::kBot;
  if (bot) ++totals_.bots;
  Reservation answer;
  if (bot || config_.on_exhausted == OnExhausted::kFallback) {
    answer.number = config_.fallback;
    for (const SourceNumber& own : config_.source_fallbacks) {
      if (own.source == Source::cut(visit.source)) answer.number = own.number;
    }
  }
  if (answer.number) answer.outcome = ReserveOutcome::kFallback;
  if (!bot) ++(answer.number ? totals_.fallbacks : totals_.refusals);
  return answer;
}

Reservation LendingPool::describe(std::uint32_t index, ReserveOutcome outcome) const {
  const Slot& slot = slots_[index];
  const bool pending = outcome != ReserveOutcome::kHeld;
  const Record& record = pending ? slot.pending() : slot.record();
  Reservation answer{outcome,        {index_, index, record.generation},
                     slot.number,    record.start,
                     record.expire,  std::nullopt,
                     record.durable, pending && slot.sticky};
  if (pending && slot.idle_since != kNever) {
    answer.idle = std::max(record.start - slot.idle_since, Duration::zero());
  }
  return answer;
}

/// The last holder becomes a former one. The end of a lease that is followed by one of the same visit is
/// nothing to tell the store any more: told late, it would end the lease that followed.
void LendingPool::forget_record(std::uint32_t index, const VisitId& next) {
  Slot& slot = slots_[index];
  if (!slot.ever_lent) return;
  visits_.erase(node(index, false));
  visitors_.erase(node(index, false));
  const Record& record = slot.record();
  if (!record.visit.empty()) {
    slot.formers.add({record.visit, record.source, record.start, record.expire, record.generation,
                      record.attributes, record.durable || record.visit == next});
  }
  slot.end_untold = false;
  slot.ever_lent = false;
}

/// The pending record, which is in visits_ already, becomes the slot's.
void LendingPool::install_record(std::uint32_t index) {
  Slot& slot = slots_[index];
  slot.side ^= 1U;
  slot.ever_lent = true;
  slot.idle_since = slot.record().expire;
  if (!slot.record().visitor.empty())
    visitors_.insert(node(index, false), hash(slot.record().visitor.view()));
}

bool LendingPool::commit(const Ticket& ticket, bool durable, Time now) {
  settle(now);
  if (ticketed(ticket, SlotState::kLeased) != nullptr) return true;
  Slot* slot = ticketed(ticket, SlotState::kReserved);
  if (slot == nullptr) return false;
  const Reservation made = describe(ticket.slot, ReserveOutcome::kReserved);
  ++totals_.leases;
  if (made.sticky) ++totals_.sticky;
  if (made.idle) {
    const auto* bound =
        std::upper_bound(IdleHistogram::kBounds.begin(), IdleHistogram::kBounds.end(), *made.idle);
    ++totals_.idle.buckets[static_cast<std::size_t>(bound - IdleHistogram::kBounds.begin())];
    totals_.idle.total_seconds +=
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(*made.idle).count());
  }
  --reserved_;
  forget_record(ticket.slot, slot->pending().visit);
  install_record(ticket.slot);
  slot->state = SlotState::kLeased;
  slot->record().durable = durable;
  if (!durable) ++nondurable_;
  leased_.push(ticket.slot, slot->record().expire);
  shown_.add(slot->record().source);
  return true;
}

bool LendingPool::cancel(const Ticket& ticket, Time now) {
  Slot* slot = ticketed(ticket, SlotState::kReserved);
  if (slot == nullptr) return false;
  ++totals_.cancellations;
  --reserved_;
  visits_.erase(node(ticket.slot, true));
  rest(ticket.slot);
  settle(now);
  return true;
}

bool LendingPool::hold_back(const Ticket& ticket, Time now) {
  settle(now);
  if (Slot* slot = ticketed(ticket, SlotState::kReserved)) {
    slot->idle_since = now;
    return cancel(ticket, now);
  }
  if (ticketed(ticket, SlotState::kLeased) == nullptr) return false;
  end_lease(ticket.slot, now);
  forget_record(ticket.slot, {});
  return true;
}

std::optional<LeaseView> LendingPool::renew(std::string_view visit_id, Time expire, Time now) {
  settle(now);
  const std::uint32_t slot = slot_of_visit(visit_id);
  if (slot == kNone) return std::nullopt;
  expire = std::min(expire, now + kLongestTtl);
  if (slots_[slot].state == SlotState::kLeased) {
    extend(slot, expire);
  } else if (slots_[slot].state == SlotState::kHeld && expire > now) {
    revive(slot, expire);
  } else {
    return std::nullopt;
  }
  ++totals_.renewals;
  return view(slot);
}

std::optional<LeaseView> LendingPool::release(std::string_view visit_id, Time now) {
  settle(now);
  const std::uint32_t slot = slot_of_visit(visit_id);
  if (slot == kNone || slots_[slot].state != SlotState::kLeased) return std::nullopt;
  end_lease(slot, now);
  slots_[slot].record().durable = false;
  ++totals_.releases;
  const LeaseView ended = view(slot);
  settle(now);
  return ended;
}

}  // namespace ringtrace::pool
