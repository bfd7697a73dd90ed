#pragma once

// How a LendingPool takes over the leases of an earlier life from the store.

#include <algorithm>

#include "pool/lending_pool.h"

namespace ringtrace::pool {

/// A stored lease meets a slot in one of four cases: the slot knows the lease already; it knows a later one
/// of its own, so that the stored one is a candidate beside it (ContestedHolders: the slot's own records are
/// its taker's to write); a reservation nobody was told of, which gives way; or the slot is nobody's and
/// takes the stored lease as a taker takes a number.
template <template <class> class Atom>
RestoreOutcome LendingPool<Atom>::restore(std::uint32_t index, const StoredLease& lease, Time at) {
  const Key key = key_of(lease.visit.visit_id);
  const Milliseconds now = to_milliseconds(at);
  const Time end = lease.ended ? std::min(*lease.ended, lease.expire) : lease.expire;
  const bool live = !lease.ended && lease.expire > at;
  const Slot<Atom>& slot = slots_[index];
  settle(now, kMostHelp);
  for (;;) {
    end_if_due(index, now);
    const SlotWord word = slot.load();
    const bool leased = word.state() == SlotState::kLeased;
    const RecordHead record = slot.record(word.head());
    const RecordHead pending = slot.record(word.pending());
    const Term term = slot.term(word.side());
    const bool own = word.lent() && slot.holds_visit(word.head(), key.words) && !term.has(Term::kDisowned);
    if (slot.load() != word) continue;
    if (own && !word.reserving() && (leased || record.start() == to_milliseconds(lease.start))) {
      if (const auto outcome = restore_same_visit(index, word, key, lease, now)) return *outcome;
      continue;
    }
    if (word.state() == SlotState::kReserved && live) {
      give_up({index_, index, pending.generation}, now, false);
      continue;
    }
    const bool later = word.lent() && !live && to_milliseconds(end) <= term.expire();
    if (leased || word.reserving() || later) return contest(index, key, lease, live);
    if (const auto outcome = restore_into(index, word, key, lease, now)) return *outcome;
  }
}

/// Memory has this lease, perhaps as it was before or after the store wrote it. None when the slot has
/// changed meanwhile.
template <template <class> class Atom>
std::optional<RestoreOutcome> LendingPool<Atom>::restore_same_visit(std::uint32_t index, SlotWord word,
                                                                    const Key& key, const StoredLease& lease,
                                                                    Milliseconds now) {
  const Milliseconds expire = to_milliseconds(lease.expire);
  const std::uint64_t generation = slots_[index].record(word.head()).generation;
  const Term term = slots_[index].term(word.side());
  if (slots_[index].load() != word) return std::nullopt;
  if (lease.ended || expire <= now || expire <= term.expire()) return RestoreOutcome::kKnown;
  const bool leased = word.state() == SlotState::kLeased;
  const auto longer = leased ? extend(index, word, expire, now) : revive(index, word, key, expire);
  if (!longer) {
    const Found found = find(key);
    const bool elsewhere = found.slot != index && found.tie >= Tie::kLeased;
    return elsewhere ? std::optional(RestoreOutcome::kConflict) : std::nullopt;
  }
  set_durable({index_, index, generation}, lease.expire, true);
  return leased ? RestoreOutcome::kKnown : RestoreOutcome::kLive;
}

template <template <class> class Atom>
bool LendingPool<Atom>::knows(std::uint32_t index, const Key& key, Time start) const {
  const Slot<Atom>& slot = slots_[index];
  for (;;) {
    const SlotWord word = slot.load();
    bool known = false;
    for (unsigned cell = 0; cell < SlotWord::kCells; ++cell) {
      known = known || (word.starts(cell) && slot.record(cell).start() == to_milliseconds(start) &&
                        slot.holds_visit(cell, key.words));
    }
    if (slot.load() == word) return known;
  }
}

/// The number is, or was since, another visit's: the stored lease is a candidate for its calls.
template <template <class> class Atom>
RestoreOutcome LendingPool<Atom>::contest(std::uint32_t index, const Key& key, const StoredLease& lease,
                                          bool live) {
  if (knows(index, key, lease.start)) return RestoreOutcome::kKnown;
  const Time end = lease.ended ? std::min(*lease.ended, lease.expire) : lease.expire;
  const auto before = shared_.contested.find(first_slot_ + index);
  if (before && before->shown == lease.start && before->visit.view() == lease.visit.visit_id) {
    return RestoreOutcome::kKnown;
  }
  shared_.contested.put(first_slot_ + index, {VisitId::cut(lease.visit.visit_id),
                                              Source::cut(lease.visit.source), lease.start, end, 0});
  for (SlotWord word = slots_[index].load(); !word.has(SlotWord::kContested);) {
    move(index, word, word.with(SlotWord::kContested));
  }
  return live ? RestoreOutcome::kConflict : RestoreOutcome::kEnded;
}

/// The stored lease becomes the record of a slot that nobody has; one that is over, or whose visit holds
/// another number, waits out its hold. None when the slot has changed meanwhile.
template <template <class> class Atom>
std::optional<RestoreOutcome> LendingPool<Atom>::restore_into(std::uint32_t index, SlotWord word,
                                                              const Key& key, const StoredLease& lease,
                                                              Milliseconds now) {
  Slot<Atom>& slot = slots_[index];
  const Milliseconds end = to_milliseconds(lease.ended ? std::min(*lease.ended, lease.expire) : lease.expire);
  const bool live = !lease.ended && end > now;
  const bool was_free = group(word) == Group::kFree;
  if (!move(index, word, taken(slot, word, key.words.wide()))) return std::nullopt;
  if (was_free && config_.valuable_reserve > 0) permits_.fetch_sub(1);
  write_reservation({index, word, false}, lease.visit, key, end, to_milliseconds(lease.start));
  Atom<std::uint64_t>& term = slot.terms[word.side() ^ 1U];
  const Term stored = Term(term.load()).with(Term::kDurable);
  const auto order = visits_.insert(key.place, index);
  word = slot.load();
  if (live && order) {
    term.store(stored.bits());
    while (!move(index, word, word.with(SlotState::kTentative))) continue;
    while (word.state() == SlotState::kTentative) {
      decide(key, index, *order, word);
      word = slot.load();
    }
    // Reserved; nobody else has the ticket of it, but another restore may have taken it back.
    while (word.state() == SlotState::kReserved) {
      if (install(index, word, SlotState::kLeased)) return RestoreOutcome::kLive;
    }
    if (word.state() != SlotState::kAborted) return std::nullopt;
  }
  term.store(stored.with(Term::kClosed).with(Term::kLapsed, !lease.ended).bits());
  while (!install(index, word, SlotState::kHeld)) continue;
  return live ? RestoreOutcome::kConflict : RestoreOutcome::kEnded;
}

}  // namespace ringtrace::pool
