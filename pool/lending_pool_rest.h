#pragma once

// How leases are renewed and end, and how numbers rest until they are lent again: part of LendingPool.

#include <algorithm>

#include "pool/assert.h"
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

/// Whether a free number may be taken, leaving the pool's reserve to valuable visits; true takes a permit,
/// which is used up with the number, or returned.
template <template <class> class Atom>
bool LendingPool<Atom>::may_take_free(AdmissionClass admission, Milliseconds now) {
  if (config_.valuable_reserve == 0) return true;
  ripen_all(now);
  const auto kept = admission == AdmissionClass::kValuable
                        ? std::int64_t{0}
                        : static_cast<std::int64_t>(config_.valuable_reserve);
  for (const bool last : {false, true}) {
    std::int64_t permits = permits_.load();
    while (permits > kept) {
      if (permits_.compare_exchange_strong(permits, permits - 1)) return true;
    }
    if (!last) free_stragglers(now);
  }
  return false;
}

/// Frees the numbers whose hold is over, and whose entry is not where ripening will meet it.
template <template <class> class Atom>
void LendingPool<Atom>::free_stragglers(Milliseconds now) {
  stale_.for_each([&](std::uint32_t index) {
    for (SlotWord word = slots_[index].load(); word.state() == SlotState::kHeld;) {
      const bool over = idle_since(slots_[index], word) + hold_ <= now;
      if (const SlotWord again = slots_[index].load(); again != word) {
        word = again;
      } else if (!over || move(index, word, word.with(SlotState::kFree))) {
        return;
      }
    }
  });
}

template <template <class> class Atom>
void LendingPool<Atom>::return_permit() {
  if (config_.valuable_reserve > 0) permits_.fetch_add(1);
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

/// A slot that is the caller's, and nobody's, comes to rest as it was before it was taken: free and before
/// all others; or, while it must be held, or has its entry in the queue still, there or at the end. `anew`:
/// its rest begins now, so that the place of an entry left behind is not its own any more.
template <template <class> class Atom>
void LendingPool<Atom>::give_back(std::uint32_t index, Milliseconds now, bool anew) {
  for (SlotWord word = slots_[index].load();;) {
    const Milliseconds since = idle_since(slots_[index], word);
    const bool held = since != 0 && since + hold_ > now;
    const bool queued = word.has(SlotWord::kQueued);
    if (queued || held) {
      SlotWord next = word.with(held ? SlotState::kHeld : SlotState::kFree).with(SlotWord::kQueued);
      if (anew && queued) next = next.with(SlotWord::kStale);
      if (!move(index, word, next)) continue;
      // While it was taken, `ripe` may have passed its entry.
      stale_.set(index);
      if (!queued) idle_.push(index);
      return;
    }
    if (!move(index, word, word.with(SlotState::kFree))) continue;
    if (put_first(index)) return;
    // No place among the first: to the end, unless somebody has taken it out of order already.
    while (word.state() == SlotState::kFree && !word.has(SlotWord::kQueued)) {
      if (!move(index, word, word.with(SlotState::kHeld).with(SlotWord::kQueued))) continue;
      stale_.set(index);
      return idle_.push(index);
    }
    return;
  }
}

template <template <class> class Atom>
bool LendingPool<Atom>::put_first(std::uint32_t index) {
  for (Atom<std::uint32_t>& place : returned_) {
    std::uint32_t empty = 0;
    if (!place.compare_exchange_strong(empty, index + 1)) continue;
    any_returned_.store(true);
    return true;
  }
  return false;
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

template <template <class> class Atom>
void LendingPool<Atom>::ripen_all(Milliseconds now) {
  idle_.ripen([&](std::uint32_t slot) { return ripen(slot, now); });
}

/// Whether the queue's next entry is ripe: its number's hold is over, or it was left behind by a number that
/// was taken out of order; its turn sorts that out. `word`: the slot's word of which this is true.
template <template <class> class Atom>
bool LendingPool<Atom>::is_ripe(std::uint32_t index, Milliseconds now, SlotWord& word) const {
  const Slot<Atom>& slot = slots_[index];
  for (word = slot.load();;) {
    if (word.state() != SlotState::kHeld || word.has(SlotWord::kStale)) return true;
    const bool over = idle_since(slot, word) + hold_ <= now;
    const SlotWord again = slot.load();
    if (again == word) return over;
    word = again;
  }
}

/// Frees the number of the queue's next entry if its hold is over; whether the entry is ripe.
template <template <class> class Atom>
bool LendingPool<Atom>::ripen(std::uint32_t index, Milliseconds now) {
  for (SlotWord word; is_ripe(index, now, word);) {
    if (word.state() != SlotState::kHeld || word.has(SlotWord::kStale)) return true;
    if (move(index, word, word.with(SlotState::kFree))) return true;
  }
  return false;
}

/// The number that comes next; none when the pool is exhausted.
template <template <class> class Atom>
std::optional<typename LendingPool<Atom>::Taken> LendingPool<Atom>::take_idle(bool wide, Milliseconds now) {
  for (;;) {
    auto slot = take_returned();
    if (!slot) slot = take_fresh();
    if (!slot) break;
    SlotWord word = slots_[*slot].load();
    while (word.state() == SlotState::kFree && !word.has(SlotWord::kQueued) &&
           !word.has(SlotWord::kDraining)) {
      if (move(*slot, word, taken(slots_[*slot], word, wide))) return Taken{*slot, word, false};
    }
  }
  SlotWord word;
  while (const auto slot = idle_.take([&](std::uint32_t index) { return is_ripe(index, now, word); })) {
    if (!take_ripe(*slot, wide, word) && !claim_popped(*slot, wide, now, word)) continue;
    if (!large_) prefetch_slot(1);
    return Taken{*slot, word, false};
  }
  return take_straggler(wide, now);
}

/// When none is ripe in the order of the queue: one that rests out of it, and whose hold is over. Its entry
/// stays behind.
template <template <class> class Atom>
std::optional<typename LendingPool<Atom>::Taken> LendingPool<Atom>::take_straggler(bool wide,
                                                                                   Milliseconds now) {
  std::optional<Taken> found;
  std::size_t looks = 0;
  stale_.find(now, [&](std::uint32_t index) {
    for (SlotWord word = slots_[index].load(); !found;) {
      const bool vacant = word.state() == SlotState::kFree || word.state() == SlotState::kHeld;
      if (!vacant || word.has(SlotWord::kDraining)) break;
      const bool over = word.state() == SlotState::kFree || idle_since(slots_[index], word) + hold_ <= now;
      if (const SlotWord again = slots_[index].load(); again != word) {
        word = again;
      } else if (!over) {
        break;
      } else if (word.state() == SlotState::kHeld && config_.valuable_reserve > 0) {
        move(index, word, word.with(SlotState::kFree));  // the taker's permit is for a free number
      } else if (move(index, word, taken(slots_[index], word, wide))) {
        found = Taken{index, word, false, true};
      }
    }
    return found || ++looks == kMostLooks;
  });
  return found;
}

/// What mostly comes out of the queue: a number whose hold was over when it was `word`, and to which nothing
/// has happened since. False for all else.
template <template <class> class Atom>
bool LendingPool<Atom>::take_ripe(std::uint32_t index, bool wide, SlotWord& word) {
  constexpr std::uint64_t kOfInterest = SlotWord::kStale | SlotWord::kDraining | SlotWord::kStates;
  if ((word.bits() & kOfInterest) != static_cast<std::uint64_t>(SlotState::kHeld)) return false;
  if (config_.valuable_reserve > 0) return false;
  if (stale_.has(index)) [[unlikely]]
    stale_.clear(index);
  Slot<Atom>& slot = slots_[index];
  return move_between<Group::kHeld, Group::kReserved>(slot, word,
                                                      taken(slot, word.with(SlotWord::kQueued, false), wide));
}

/// Has what the next leases will look for brought into the cache while this one is made: which numbers come
/// is known. The slot of the one after the next; and of the next, whose slot was brought when this one's was
/// next, the places where its commit will look.
template <template <class> class Atom>
void LendingPool<Atom>::prepare_next() const {
  prefetch_slot(2);
  const std::uint32_t next = idle_.ahead(1);
  due_.prefetch(next);
  if (const auto former = entry_of(next, slots_[next].load())) visits_.prefetch(*former);
}

template <template <class> class Atom>
void LendingPool<Atom>::prefetch_slot(std::uint64_t places_behind) const {
  slots_[idle_.ahead(places_behind)].prefetch();
}

template <template <class> class Atom>
std::optional<std::uint32_t> LendingPool<Atom>::take_returned() {
  if (!any_returned_.load()) return std::nullopt;
  for (Atom<std::uint32_t>& place : returned_) {
    std::uint32_t slot = place.load();
    if (slot != 0 && place.compare_exchange_strong(slot, 0)) return slot - 1;
  }
  // Set again by who returns one meanwhile: before this look, and it is found, or after, and it stays set.
  any_returned_.store(false);
  for (Atom<std::uint32_t>& place : returned_) {
    if (place.load() != 0) any_returned_.store(true);
  }
  return std::nullopt;
}

template <template <class> class Atom>
std::optional<std::uint32_t> LendingPool<Atom>::take_fresh() {
  std::uint32_t fresh = fresh_.load();
  while (fresh < used_.load()) {
    if (fresh_.compare_exchange_strong(fresh, fresh + 1)) return fresh;
  }
  return std::nullopt;
}

/// The queue's entry of the slot is the caller's: takes the slot if it is where its entry says, else leaves
/// it as it has to be without that entry.
template <template <class> class Atom>
bool LendingPool<Atom>::claim_popped(std::uint32_t index, bool wide, Milliseconds now, SlotWord& word) {
  for (;;) {
    const bool vacant = word.state() == SlotState::kFree || word.state() == SlotState::kHeld;
    if (!vacant) {
      if (move(index, word, word.with(SlotWord::kQueued, false).with(SlotWord::kStale, false))) return false;
      continue;
    }
    const bool over = idle_since(slots_[index], word) + hold_ <= now;
    if (word.has(SlotWord::kStale) || (word.state() == SlotState::kHeld && !over)) {
      if (!move(index, word, word.with(SlotWord::kStale, false))) continue;
      stale_.set(index);  // those before it may rest for longer
      idle_.push(index);
      return false;
    }
    if (stale_.has(index)) stale_.clear(index);
    if (word.has(SlotWord::kDraining)) {
      const SlotWord drained = word.with(SlotState::kFree).with(SlotWord::kQueued, false);
      if (move(index, word, drained)) return false;
      continue;
    }
    if (word.state() == SlotState::kHeld && config_.valuable_reserve > 0) {
      move(index, word, word.with(SlotState::kFree));  // the taker's permit is for a free number
      continue;
    }
    if (move(index, word, taken(slots_[index], word.with(SlotWord::kQueued, false), wide))) return true;
  }
}

}  // namespace ringtrace::pool
