#pragma once

// How leases are extended, brought back and end, and every change of a slot's word: part of LendingPool.

#include <algorithm>

#include "pool/lending_pool.h"

namespace ringtrace::pool {

template <template <class> class Atom>
typename LendingPool<Atom>::Group LendingPool<Atom>::group(SlotWord word) {
  static constexpr std::array<Group, 8> kOfState = {Group::kFree,     Group::kReserved, Group::kReserved,
                                                    Group::kReserved, Group::kReserved, Group::kLeased,
                                                    Group::kHeld,     Group::kHeld};
  const Group of_state = kOfState[static_cast<std::size_t>(word.state())];
  return of_state == Group::kFree && word.has(SlotWord::kDraining) ? Group::kDrained : of_state;
}

/// Every change of a slot's word: `next` takes the place of `word`, counted on. On success `word` is the new
/// word; when the slot has changed meanwhile, it is what the slot is now.
template <template <class> class Atom>
bool LendingPool<Atom>::exchange(Slot<Atom>& slot, SlotWord& word, SlotWord next) {
  next = next.counted();
  std::uint64_t seen = word.bits();
  const bool done = slot.word.compare_exchange_strong(seen, next.bits());
  word = done ? next : SlotWord(seen);
  return done;
}

/// The same, from one group to another, neither of them of numbers that are free.
template <template <class> class Atom>
template <typename LendingPool<Atom>::Group kFrom, typename LendingPool<Atom>::Group kTo>
bool LendingPool<Atom>::move_between(Slot<Atom>& slot, SlotWord& word, SlotWord next) {
  static_assert(kFrom != Group::kFree && kTo != Group::kFree);
  if (!exchange(slot, word, next)) return false;
  count_move(kFrom, kTo);
  return true;
}

/// The same, and whatever is to be counted with it.
template <template <class> class Atom>
bool LendingPool<Atom>::move(std::uint32_t slot, SlotWord& word, SlotWord next) {
  const Group from = group(word);
  const Group to = group(next);
  if (!exchange(slots_[slot], word, next)) return false;
  if (from == to) return true;
  count_move(from, to);
  if (config_.valuable_reserve > 0) {
    if (to == Group::kFree) permits_.fetch_add(1);
    if (from == Group::kFree && to != Group::kReserved) permits_.fetch_sub(1);
  }
  return true;
}

/// Since when the number has been nobody's; 0: never lent. Right while the slot is not leased.
template <template <class> class Atom>
typename LendingPool<Atom>::Milliseconds LendingPool<Atom>::idle_since(const Slot<Atom>& slot,
                                                                       SlotWord word) const {
  const Milliseconds end = word.lent() ? slot.term(word.side()).expire() : 0;
  return std::max(end, slot.rested.load());
}

/// Moves the term of a leased slot to `expire`, never back; none when the lease is over.
template <template <class> class Atom>
std::optional<Term> LendingPool<Atom>::extend(std::uint32_t index, SlotWord word, Milliseconds expire,
                                              Milliseconds now) {
  Atom<std::uint64_t>& place = slots_[index].terms[word.side()];
  std::uint64_t seen = place.load();
  if (slots_[index].load() != word) return std::nullopt;
  for (;;) {
    const Term term(seen);
    if (term.closed() || term.expire() <= now) {
      end_if_due(index, now);
      return std::nullopt;
    }
    if (expire <= term.expire()) return term;
    const Term longer = term.until(expire).with(Term::kDurable, false);
    if (place.compare_exchange_strong(seen, longer.bits())) {
      if (term.durable()) tally_.add(kNondurable);
      return longer;
    }
    if (slots_[index].load() != word) return std::nullopt;
  }
}

/// Gives a held slot back to the visit that had it last, until `expire`: the lease goes on. None when the
/// slot has changed, or the visit has another number by now.
///
/// The lease goes on from the exchange of the word; one that is ended right afterwards, before this returns,
/// was given back all the same. To do it again would undo that end.
template <template <class> class Atom>
std::optional<Term> LendingPool<Atom>::revive(std::uint32_t index, SlotWord word, const Key& key,
                                              Milliseconds expire) {
  Slot<Atom>& slot = slots_[index];
  Atom<std::uint64_t>& other = slot.terms[word.side() ^ 1U];
  std::uint64_t seen = other.load();
  const Milliseconds ended = slot.term(word.side()).expire();
  if (slot.load() != word) return std::nullopt;
  // Two that revive at once use one term, which only grows: whoever is late makes it no shorter than the
  // other was told.
  Term term = Term::open(std::max(expire, ended), word.tag());
  if (Term(seen).until(0) == term.until(0)) term = term.until(std::max(term.expire(), Term(seen).expire()));
  if (!other.compare_exchange_strong(seen, term.bits())) return std::nullopt;
  const std::uint64_t generation = slot.record(word.head()).generation;
  SlotWord revived = word;
  if (!move(index, revived, word.with(SlotState::kLeased).with_other_side())) return std::nullopt;
  tally_.add(kNondurable);
  due_.lower(index, term.expire());
  if (rival_stands(key, index, 0, true)) {
    disown(index, generation, ended);
    return std::nullopt;
  }
  return term;
}

/// Closes an open term; false when it has changed meanwhile. `term` is what it is now.
template <template <class> class Atom>
bool LendingPool<Atom>::close(std::uint32_t index, SlotWord word, Term& term, Term closed) {
  std::uint64_t seen = term.bits();
  closed = closed.with(Term::kClosed);
  const bool done = slots_[index].terms[word.side()].compare_exchange_strong(seen, closed.bits());
  if (done && !term.durable()) tally_.subtract(kNondurable);
  term = done ? closed : Term(seen);
  return done;
}

/// Ends the slot's lease if its time has come, and does the rest of an end that was begun.
template <template <class> class Atom>
void LendingPool<Atom>::end_if_due(std::uint32_t index, Milliseconds now) {
  for (;;) {
    const SlotWord word = slots_[index].load();
    if (word.state() != SlotState::kLeased) return;
    Term term = slots_[index].term(word.side());
    if (slots_[index].load() != word) continue;
    if (!term.closed()) {
      if (term.expire() > now) return;
      if (!close(index, word, term, term.with(Term::kLapsed))) continue;
    }
    return finish_end(index, word, term);
  }
}

/// The rest of the end of a lease whose term was `term`, closed, when its slot was `word`: the slot is held,
/// and queued unless an entry of it is in the queue still.
template <template <class> class Atom>
void LendingPool<Atom>::finish_end(std::uint32_t index, SlotWord word, Term term) {
  Slot<Atom>& slot = slots_[index];
  for (;;) {
    const bool queued = word.has(SlotWord::kQueued);
    const SlotWord held = word.with(SlotState::kHeld).with(SlotWord::kQueued).with(SlotWord::kStale, queued);
    const std::uint64_t visitor = slot.visitor.load(std::memory_order_acquire);
    if (move_between<Group::kLeased, Group::kHeld>(slot, word, held)) {
      if (visitor != 0) visitors_[visitor_place(visitor)].store(index + 1, std::memory_order_relaxed);
      queued ? stale_.set(index) : idle_.push(index);
      break;
    }
    for (SlotWord seen; seen != word;) {
      seen = word;
      term = slot.term(word.side());
      word = slot.load();
    }
    // It is over still when only a flag has changed.
    if (word.state() != SlotState::kLeased || !term.closed()) return;
  }
  if (term.has(Term::kLapsed)) {
    tally_.add(kExpiries);
    untold_.set(index);
  }
}

template <template <class> class Atom>
typename LendingPool<Atom>::Milliseconds LendingPool<Atom>::due(std::uint32_t index) const {
  for (;;) {
    const SlotWord word = slots_[index].load();
    if (word.state() != SlotState::kLeased) return DueTree<Atom>::kNever;
    const Term term = slots_[index].term(word.side());
    if (slots_[index].load() == word) return term.expire();
  }
}

/// Ends leases that are due, at most `most`.
template <template <class> class Atom>
void LendingPool<Atom>::end_due(Milliseconds now, std::size_t most) {
  for (std::size_t i = 0; i < most && due_.earliest() <= now; ++i) {
    const auto slot = due_.next(now, [this](std::uint32_t index) { return due(index); });
    if (!slot) break;
    end_if_due(*slot, now);
  }
}

}  // namespace ringtrace::pool
