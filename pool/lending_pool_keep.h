#pragma once

// What becomes of a lease or a reservation by its visit's, the store's or the clock's word: part of
// LendingPool.

#include <algorithm>

#include "pool/lending_pool.h"

namespace ringtrace::pool {

template <template <class> class Atom>
std::optional<LeaseView> LendingPool<Atom>::renew(std::string_view visit_id, Time until, Time at) {
  const Key key = key_of(visit_id);
  if (!key.words.valid) return std::nullopt;
  const Milliseconds now = to_milliseconds(at);
  const Milliseconds expire = to_milliseconds(std::min(until, at + lending::kLongestTtl));
  settle(now, kMostHelp);
  for (;;) {
    const Found found = find(key);
    if (found.tie != Tie::kLeased && found.tie != Tie::kHeld) return std::nullopt;
    const Slot<Atom>& slot = slots_[found.slot];
    const RecordHead record = slot.record(found.word.head());
    std::optional<Term> term;
    if (found.tie == Tie::kLeased) {
      term = extend(found.slot, found.word, expire, now);  // none when the slot has changed before
    } else {
      if (idle_since(slot, found.word) + hold_ <= now || expire <= now) {
        if (slot.load() != found.word) continue;
        return std::nullopt;
      }
      term = revive(found.slot, found.word, key, expire);
    }
    if (!term) continue;
    tally_.add(kRenewals);
    return lease_of(key.words, found.slot, record, term->expire(), true, term->durable());
  }
}

template <template <class> class Atom>
std::optional<LeaseView> LendingPool<Atom>::release(std::string_view visit_id, Time at) {
  const Key key = key_of(visit_id);
  if (!key.words.valid) return std::nullopt;
  const Milliseconds now = to_milliseconds(at);
  settle(now, kMostHelp);
  for (;;) {
    const Found found = find(key);
    if (found.tie != Tie::kLeased) return std::nullopt;
    const Slot<Atom>& slot = slots_[found.slot];
    const RecordHead record = slot.record(found.word.head());
    Term term = slot.term(found.word.side());
    if (slot.load() != found.word) continue;
    if (term.closed() || term.expire() <= now) {
      end_if_due(found.slot, now);
      continue;
    }
    const Term ended = term.until(now).with(Term::kDurable, false);
    if (!close(found.slot, found.word, term, ended)) continue;
    finish_end(found.slot, found.word, term);
    tally_.add(kReleases);
    return lease_of(key.words, found.slot, record, now, false, false);
  }
}

template <template <class> class Atom>
std::optional<LeaseView> LendingPool<Atom>::find_lease(std::string_view visit_id, Time at) {
  const Key key = key_of(visit_id);
  if (!key.words.valid) return std::nullopt;
  const Milliseconds now = to_milliseconds(at);
  settle(now, kMostHelp);
  for (;;) {
    const Found found = find(key);
    if (found.tie != Tie::kLeased && found.tie != Tie::kHeld) return std::nullopt;
    const Slot<Atom>& slot = slots_[found.slot];
    const RecordHead record = slot.record(found.word.head());
    const Term term = slot.term(found.word.side());
    if (slot.load() != found.word) continue;
    if (found.tie == Tie::kLeased && (term.closed() || term.expire() <= now)) {
      end_if_due(found.slot, now);
      continue;
    }
    if (found.tie == Tie::kHeld && idle_since(slot, found.word) + hold_ <= now) return std::nullopt;
    return lease_of(key.words, found.slot, record, term.expire(), found.tie == Tie::kLeased, term.durable());
  }
}

/// Ends the lease of that generation at `end`, and its visit does not come back to it.
template <template <class> class Atom>
bool LendingPool<Atom>::disown(std::uint32_t index, std::uint64_t generation, Milliseconds end) {
  for (;;) {
    const SlotWord word = slots_[index].load();
    if (word.state() != SlotState::kLeased) return false;
    const bool same = slots_[index].record(word.head()).generation == generation;
    const auto entry = entry_of(index, word);
    Term term = slots_[index].term(word.side());
    if (slots_[index].load() != word) continue;
    if (!same || term.closed()) return false;
    if (!close(index, word, term, term.until(end).with(Term::kDisowned))) continue;
    finish_end(index, word, term);
    if (entry) visits_.erase(*entry, index);
    return true;
  }
}

/// Gives up a reservation: its number is given back as it was, or held from `now` on.
template <template <class> class Atom>
bool LendingPool<Atom>::give_up(const Ticket& ticket, Milliseconds now, bool hold_from_now) {
  if (ticket.slot >= slots_.size()) return false;
  Slot<Atom>& slot = slots_[ticket.slot];
  for (SlotWord word = slot.load();;) {
    if (word.state() != SlotState::kReserved) return false;
    const bool same = slot.record(word.pending()).generation == ticket.generation;
    const VisitPlace entry = place_of_record(slot, word.pending());
    if (const SlotWord again = slot.load(); again != word) {
      word = again;
      continue;
    }
    if (!same) return false;
    if (!move(ticket.slot, word, word.with(SlotState::kTaken))) continue;
    tally_.add(kCancellations);
    visits_.erase(entry, ticket.slot);
    for (std::uint64_t rested = slot.rested.load(); hold_from_now && rested < now;) {
      if (slot.rested.compare_exchange_strong(rested, now)) break;
    }
    if (hold_from_now) disown_former(ticket.slot, word);
    give_back(ticket.slot, now, hold_from_now);
    return true;
  }
}

/// Who had the slot last does not come back to it. The slot is the caller's.
template <template <class> class Atom>
void LendingPool<Atom>::disown_former(std::uint32_t index, SlotWord word) {
  const auto former = entry_of(index, word);
  if (!former) return;
  Atom<std::uint64_t>& term = slots_[index].terms[word.side()];
  for (std::uint64_t seen = term.load();
       !term.compare_exchange_strong(seen, Term(seen).with(Term::kDisowned).bits());) {
    continue;  // the store's word has come
  }
  visits_.erase(*former, index);
}

template <template <class> class Atom>
bool LendingPool<Atom>::cancel(const Ticket& ticket, Time now) {
  return give_up(ticket, to_milliseconds(now), false);
}

template <template <class> class Atom>
bool LendingPool<Atom>::hold_back(const Ticket& ticket, Time at) {
  const Milliseconds now = to_milliseconds(at);
  settle(now, kMostHelp);
  return give_up(ticket, now, true) ||
         (ticket.slot < slots_.size() && disown(ticket.slot, ticket.generation, now));
}

template <template <class> class Atom>
void LendingPool<Atom>::set_durable(const Ticket& ticket, Time at, bool durable) {
  if (ticket.slot >= slots_.size()) return;
  Slot<Atom>& slot = slots_[ticket.slot];
  const Milliseconds expire = to_milliseconds(at);
  for (;;) {
    const SlotWord word = slot.load();
    const bool present = word.lent() && slot.record(word.head()).generation == ticket.generation;
    std::uint64_t seen = slot.term(word.side()).bits();
    if (slot.load() != word) continue;
    if (present) {
      const Term term(seen);
      if (term.expire() != expire || term.durable() == durable) return;
      if (!slot.terms[word.side()].compare_exchange_strong(seen, term.with(Term::kDurable, durable).bits())) {
        continue;
      }
      if (!term.closed()) durable ? tally_.subtract(kNondurable) : tally_.add(kNondurable);
      return;
    }
    for (unsigned i = 1; i < SlotWord::kCells; ++i) {
      const unsigned cell = (word.head() + i) % SlotWord::kCells;
      if (!word.starts(cell)) continue;
      const RecordHead record = slot.record(cell);
      if (record.generation != ticket.generation || record.end() != expire) continue;
      if (slot.load() != word) break;
      slot.exchange_rest(cell, record.rest, record.rest_with_end(expire, durable));
      return;
    }
    if (slot.load() == word) return;
  }
}

template <template <class> class Atom>
std::size_t LendingPool<Atom>::advance(Time at, std::span<LeaseView> ended) {
  const Milliseconds now = to_milliseconds(at);
  std::size_t count = 0;
  settle(now, ended.size());
  if (ended.empty()) return 0;
  untold_.take([&](std::uint32_t slot) {
    // One that is lent again meanwhile is a former holder's by now, and told as such if the store must know.
    const auto lease = view(slot);
    if (lease && !lease->live) ended[count++] = *lease;
    return count < ended.size();
  });
  std::sort(ended.begin(), ended.begin() + static_cast<std::ptrdiff_t>(count),
            [](const LeaseView& a, const LeaseView& b) { return a.expire < b.expire; });
  return count;
}

}  // namespace ringtrace::pool
