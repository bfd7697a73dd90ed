#pragma once

// Which number comes next: the part of LendingPool that takes one out of the order in which they rest, or out
// of it for who had it before.

#include "pool/lending_pool.h"

namespace ringtrace::pool {

/// A number for a new lease: the visit's own former one, the visitor's, or the next in order.
template <template <class> class Atom>
std::optional<typename LendingPool<Atom>::Taken> LendingPool<Atom>::take_number(
    const Found& found, const VisitView& visit, const Key& key, AdmissionClass admission, Milliseconds now) {
  if (found.tie == Tie::kFree || found.tie == Tie::kHeld) {
    if (auto own = take_former(found.slot, visit, key, admission, now)) return own;
  }
  if (const auto former = former_of_visitor(visit.visitor_id)) {
    end_if_due(*former, now);  // its release may be under way
    if (auto visitors = take_former(*former, visit, key, admission, now)) return visitors;
  }
  if (!may_take_free(admission, now)) return std::nullopt;
  auto next = take_idle(key.words.wide(), now);
  if (!next) return_permit();
  return next;
}

/// Takes a slot out of order if its last holder is the visit, or is of the visitor.
template <template <class> class Atom>
std::optional<typename LendingPool<Atom>::Taken> LendingPool<Atom>::take_former(
    std::uint32_t index, const VisitView& visit, const Key& key, AdmissionClass admission, Milliseconds now) {
  const Slot<Atom>& slot = slots_[index];
  for (SlotWord word = slot.load();;) {
    const bool vacant = word.state() == SlotState::kFree || word.state() == SlotState::kHeld;
    if (!vacant || !word.lent() || word.has(SlotWord::kDraining)) return std::nullopt;
    const std::uint64_t generation = slot.record(word.head()).generation;
    const bool own = slot.holds_visit(word.head(), key.words);
    const bool visitors =
        !visit.visitor_id.empty() && slot.visitor.load(std::memory_order_acquire) ==
                                         lending::visitor_word(hash_of_visitor(visit.visitor_id), generation);
    const bool disowned = slot.term(word.side()).has(Term::kDisowned);
    const SlotWord again = slot.load();
    if (again != word) {
      word = again;
      continue;
    }
    if ((!own && !visitors) || disowned) return std::nullopt;
    const bool free = word.state() == SlotState::kFree;
    if (!free && config_.valuable_reserve > 0 && idle_since(slot, word) + hold_ <= now) {
      move(index, word, word.with(SlotState::kFree));  // its hold is over: as a free number it takes a permit
      continue;
    }
    if (free && !may_take_free(admission, now)) return std::nullopt;
    if (move(index, word, taken(slot, word, key.words.wide()))) return Taken{index, word, true};
    if (free) return_permit();
  }
}

template <template <class> class Atom>
std::optional<std::uint32_t> LendingPool<Atom>::former_of_visitor(std::string_view visitor_id) const {
  if (visitor_id.empty()) return std::nullopt;
  const std::uint32_t hint =
      visitors_[visitor_place(hash_of_visitor(visitor_id))].load(std::memory_order_relaxed);
  if (hint == 0) return std::nullopt;
  return hint - 1;
}

/// The word of the slot once taken for a reservation whose record is wide or not: the cells it will overwrite
/// announce no record any more.
template <template <class> class Atom>
SlotWord LendingPool<Atom>::taken(const Slot<Atom>& slot, SlotWord word, bool wide) const {
  const unsigned pending =
      word.lent() ? (word.head() + slot.record(word.head()).cells()) % SlotWord::kCells : word.head();
  const SlotWord next = word.with(SlotState::kTaken).with_pending(pending).without_start(pending);
  return wide ? next.without_start((pending + 1) % SlotWord::kCells) : next;
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

}  // namespace ringtrace::pool
