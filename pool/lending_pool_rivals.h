#pragma once

// One visit, one number: how LendingPool tells a reservation from others of the same visit.

#include "pool/lending_pool.h"

namespace ringtrace::pool {

/// The long way from taken to reserved, past rivals of the same visit; false when one of them was faster.
template <template <class> class Atom>
bool LendingPool<Atom>::prevail(std::uint32_t index, std::uint64_t generation, const Key& key,
                                unsigned order) {
  const Slot<Atom>& slot = slots_[index];
  SlotWord mine = slot.load();
  while (!move(index, mine, mine.with(SlotState::kTentative))) continue;  // a flag has changed
  for (SlotWord word = mine; word.state() == SlotState::kTentative; word = slot.load()) {
    if (slot.record(word.pending()).generation != generation) break;
    decide(key, index, order, word);
  }
  // Only its taker takes a slot out of kAborted; otherwise it was reserved, whatever has become of it since.
  const SlotWord word = slot.load();
  return word.state() != SlotState::kAborted || slot.record(word.pending()).generation != generation;
}

/// Tells a tentative reservation from its rivals: it is reserved, or aborted, by this thread or another.
template <template <class> class Atom>
void LendingPool<Atom>::decide(const Key& key, std::uint32_t slot, unsigned order, SlotWord word) {
  const bool lost = rival_stands(key, slot, order, false);
  move(slot, word, word.with(lost ? SlotState::kAborted : SlotState::kReserved));
}

/// Whether another slot stands for the visit: one reserved or leased, or, unless the asking slot itself
/// stands already (`mine_stands`), a tentative one in an earlier cell. Tentative ones in later cells, or all
/// of them when the asking slot stands, are aborted on the way; on taken ones doubt is cast, so that they
/// become tentative before they are reserved.
template <template <class> class Atom>
bool LendingPool<Atom>::rival_stands(const Key& key, std::uint32_t slot, unsigned order, bool mine_stands) {
  bool stands = false;
  if (!visits_.has_more_than(1, key.place)) return false;  // the asking slot's own
  visits_.for_each(key.place, [&](std::uint32_t other, unsigned others_order) {
    if (other == slot) return true;
    for (SlotWord word = slots_[other].load();;) {
      const Tie tie = tie_to(slots_[other], word, key);
      const bool closed = tie == Tie::kLeased && slots_[other].term(word.side()).closed();
      const SlotWord again = slots_[other].load();
      if (again != word) {
        word = again;
        continue;
      }
      if (word.state() == SlotState::kTaken) {
        if (move(other, word, word)) return true;
        continue;
      }
      const bool tentative = tie == Tie::kPending && word.state() == SlotState::kTentative;
      if (tentative && (mine_stands || others_order > order)) {
        if (move(other, word, word.with(SlotState::kAborted))) return true;
        continue;
      }
      stands = tie == Tie::kPending || (tie == Tie::kLeased && !closed);
      return !stands;
    }
  });
  return stands;
}

}  // namespace ringtrace::pool
