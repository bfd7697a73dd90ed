#pragma once

// How numbers rest until they are lent again: part of LendingPool.

#include "pool/lending_pool.h"

namespace ringtrace::pool {

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

}  // namespace ringtrace::pool
