#pragma once

// From a request to a lease: the part of LendingPool that finds what a visit has, reserves and commits.

#include <algorithm>

#include "pool/lending_pool.h"

namespace ringtrace::pool {

template <template <class> class Atom>
typename LendingPool<Atom>::Key LendingPool<Atom>::key_of(std::string_view visit_id) const {
  Key key{VisitWords(visit_id), {}};
  PlacingHash hash(shared_.key);  // as place_of_record
  for (unsigned i = 0; i < key.words.used; ++i) hash.add(key.words.words[i]);
  key.place = visits_.place(hash.value());
  return key;
}

/// What the slot is to the visit, as of `word`.
template <template <class> class Atom>
typename LendingPool<Atom>::Tie LendingPool<Atom>::tie_to(const Slot<Atom>& slot, SlotWord word,
                                                          const Key& key) const {
  if (word.has_pending() && slot.holds_visit(word.pending(), key.words)) return Tie::kPending;
  if (!word.lent() || !slot.holds_visit(word.head(), key.words)) return Tie::kNothing;
  if (slot.term(word.side()).has(Term::kDisowned)) return Tie::kOther;
  switch (word.state()) {
    case SlotState::kLeased:
      return Tie::kLeased;
    case SlotState::kHeld:
      return Tie::kHeld;
    case SlotState::kFree:
      return Tie::kFree;
    default:
      return Tie::kOther;
  }
}

/// The best of the slots that have to do with the visit; of equal ones the first in the index.
template <template <class> class Atom>
typename LendingPool<Atom>::Found LendingPool<Atom>::find(const Key& key) const {
  const auto better_than = [&](Found& best) {
    return [&](std::uint32_t index, unsigned order) {
      const Slot<Atom>& slot = slots_[index];
      for (SlotWord word = slot.load();;) {
        const Tie tie = tie_to(slot, word, key);
        const SlotWord again = slot.load();
        if (again == word) {
          if (tie > best.tie) best = {index, tie, word, order};
          return tie < Tie::kLeased;  // a visit has one lease or reservation
        }
        word = again;
      }
    };
  };
  Found best;
  if (!visits_.for_each_at_home(key.place, better_than(best))) return best;
  Found of_all = best;
  visits_.for_each_away(key.place, better_than(of_all));
  return of_all;
}

template <template <class> class Atom>
Reservation LendingPool<Atom>::reserve(const VisitView& visit, Duration ttl, AdmissionClass admission,
                                       Time at) {
  Reservation answer;
  const Key key = key_of(visit.visit_id);
  if (!key.words.valid) return answer;
  visits_.prefetch(key.place);
  if (!visit.visitor_id.empty() && !is_valid_visitor_id(visit.visitor_id)) return answer;
  if (admission == AdmissionClass::kBot) {
    answer = without_number(visit, admission);
    return answer;  // as everywhere here: so that the answer is made where it is returned
  }
  const Milliseconds now = to_milliseconds(at);
  const Milliseconds expire = lending::expiry(at, ttl);
  settle(now, kMostHelp);
  if (large_) prepare_next();  // while the visit's line of the index is on its way
  for (;;) {
    const Found found = visits_.has_more_than(0, key.place) ? find(key) : Found{};
    if (found.tie == Tie::kPending && found.word.state() == SlotState::kTentative) {
      decide(key, found.slot, found.order, found.word);
      continue;
    }
    if (found.tie >= Tie::kLeased) {
      if (join(found, expire, now, answer)) return answer;
      continue;
    }
    if (found.tie == Tie::kHeld && idle_since(slots_[found.slot], found.word) + hold_ > now) {
      const RecordHead record = slots_[found.slot].record(found.word.head());
      const auto term = revive(found.slot, found.word, key, expire);
      if (!term) continue;
      tally_.add(kExtensions);
      describe(found.slot, found.word, ReserveOutcome::kHeld, record, *term, answer);
      return answer;
    }
    const auto taken = take_number(found, visit, key, admission, now);
    const Made made = taken ? make(*taken, visit, key, expire, now, answer) : Made::kNoPlace;
    if (made == Made::kReserved) return answer;
    if (made == Made::kNoPlace) {
      answer = without_number(visit, admission);
      return answer;
    }
  }
}

/// The visit has a lease or a reservation already; false when that has changed meanwhile.
template <template <class> class Atom>
bool LendingPool<Atom>::join(const Found& found, Milliseconds expire, Milliseconds now, Reservation& answer) {
  const Slot<Atom>& slot = slots_[found.slot];
  if (found.tie == Tie::kPending) {
    const RecordHead record = slot.record(found.word.pending());
    const Term term = slot.term(found.word.side() ^ 1U);
    if (slot.load() != found.word) return false;
    describe(found.slot, found.word, ReserveOutcome::kPending, record, term, answer);
    return true;
  }
  const RecordHead record = slot.record(found.word.head());
  const auto term = extend(found.slot, found.word, expire, now);
  if (!term) return false;
  tally_.add(kExtensions);
  describe(found.slot, found.word, ReserveOutcome::kHeld, record, *term, answer);
  return true;
}

/// Fills in `answer`, which says nothing yet.
template <template <class> class Atom>
void LendingPool<Atom>::describe(std::uint32_t index, SlotWord word, ReserveOutcome outcome,
                                 const RecordHead& record, Term term, Reservation& answer) const {
  const Slot<Atom>& slot = slots_[index];
  answer.outcome = outcome;
  answer.ticket = {index_, index, record.generation};
  answer.number = slot.number();
  answer.start = from_milliseconds(record.start());
  answer.expire = from_milliseconds(term.expire());
  answer.durable = term.durable();
  if (outcome == ReserveOutcome::kHeld) return;
  answer.sticky = record.sticky();
  if (const Milliseconds since = idle_since(slot, word); since != 0) {
    answer.idle = Duration(static_cast<Duration::rep>(record.start() - std::min(since, record.start())));
  }
}

template <template <class> class Atom>
Reservation LendingPool<Atom>::without_number(const VisitView& visit, AdmissionClass admission) {
  const bool bot = admission == AdmissionClass::kBot;
  Reservation answer;
  if (bot || config_.on_exhausted == OnExhausted::kFallback) {
    answer.number = config_.fallback;
    for (const SourceNumber& own : config_.source_fallbacks) {
      if (own.source == Source::cut(visit.source)) answer.number = own.number;
    }
  }
  if (answer.number) answer.outcome = ReserveOutcome::kFallback;
  tally_.add(bot ? kBots : answer.number ? kFallbacks : kRefusals);
  return answer;
}

/// Makes the taken slot a reservation, and `answer` tell of it; if it cannot be one, the number is given
/// back.
template <template <class> class Atom>
typename LendingPool<Atom>::Made LendingPool<Atom>::make(const Taken& taken, const VisitView& visit,
                                                         const Key& key, Milliseconds expire,
                                                         Milliseconds now, Reservation& answer) {
  const std::uint32_t index = taken.slot;
  const RecordHead record = write_reservation(taken, visit, key, expire, now);
  const auto order = visits_.insert(key.place, index);
  if (!order) {
    give_back(index, now);
    return Made::kNoPlace;
  }
  // While the slot is the taker's alone.
  describe(index, taken.word, ReserveOutcome::kReserved, record, Term::open(expire, taken.word.tag()),
           answer);
  answer.out_of_turn = taken.out_of_turn;
  SlotWord mine = taken.word;
  // Nobody else's entry may be the visit's, and nobody has since cast doubt on that (rival_stands).
  const bool alone = !visits_.has_more_than(1, key.place);
  if (alone && exchange(slots_[index], mine, mine.with(SlotState::kReserved))) return Made::kReserved;
  if (prevail(index, record.generation, key, *order)) return Made::kReserved;
  answer = {};
  visits_.erase(key.place, index);
  give_back(index, now);
  return Made::kBeaten;
}

template <template <class> class Atom>
RecordHead LendingPool<Atom>::write_reservation(const Taken& taken, const VisitView& visit, const Key& key,
                                                Milliseconds expire, Milliseconds start) {
  Slot<Atom>& slot = slots_[taken.slot];
  const SlotWord word = taken.word;
  if (word.lent()) {
    // The last lease is over: its end goes where a former holder's is. The end of a lease that is followed by
    // one of the same visit is nothing to tell the store: told late, it would end the lease that followed.
    const Term last = slot.term(word.side());
    const bool known = last.durable() || slot.holds_visit(word.head(), key.words);
    slot.set_end(word.head(), slot.record(word.head()).rest_with_end(last.expire(), known));
  }
  const std::uint16_t source = shared_.sources.intern(index_.value, visit.source);
  const RecordHead record = RecordHead::make(start, word.tag(), source, key.words.wide(), taken.sticky);
  slot.write_record(word.pending(), record, key.words);
  slot.terms[word.side() ^ 1U].store(Term::open(expire, word.tag()).bits(), std::memory_order_release);
  slot.visitor.store(visit.visitor_id.empty()
                         ? 0
                         : lending::visitor_word(hash_of_visitor(visit.visitor_id), record.generation),
                     std::memory_order_release);
  std::uint32_t texts = 0;
  if (!visit.visitor_id.empty() || !visit.attributes.empty()) {
    texts = shared_.texts.put(owner(taken.slot, record.generation), visit.visitor_id, visit.attributes);
    if (texts == 0) tally_.add(kTextsDropped);
    if (texts == 0) texts = lending::kTextsLost;
  }
  slot.texts[word.pending()].store(texts, std::memory_order_release);
  return record;
}

template <template <class> class Atom>
bool LendingPool<Atom>::commit(const Ticket& ticket, bool durable, Time at) {
  if (ticket.slot >= slots_.size()) return false;
  const Slot<Atom>& slot = slots_[ticket.slot];
  const Milliseconds now = to_milliseconds(at);
  settle(now, kMostHelp);
  for (SlotWord word = slot.load();;) {
    const bool leased = word.state() == SlotState::kLeased;
    if (!leased && word.state() != SlotState::kReserved) return false;
    const RecordHead record = slot.record(leased ? word.head() : word.pending());
    const Term term = slot.term(leased ? word.side() : word.side() ^ 1U);
    const Milliseconds since = idle_since(slot, word);
    if (const SlotWord again = slot.load(); again != word) {
      word = again;
      continue;
    }
    if (record.generation != ticket.generation) return false;
    if (leased) return !term.closed();
    if (!install(ticket.slot, word, SlotState::kLeased)) continue;
    std::uint64_t seen = term.bits();
    const bool told = durable && slots_[ticket.slot].terms[word.side()].compare_exchange_strong(
                                     seen, term.with(Term::kDurable).bits());
    if (!told) tally_.add(kNondurable);
    if (!told && durable) set_durable(ticket, from_milliseconds(term.expire()), true);
    count_lease(record, since);
    if (term.expire() <= now) stale_.set(ticket.slot);  // it will rest behind those that ended meanwhile
    return true;
  }
}

/// The reservation's record and term become the slot's, which is leased, or held and queued. False when the
/// slot has changed meanwhile, and `word` is what it is now.
template <template <class> class Atom>
bool LendingPool<Atom>::install(std::uint32_t index, SlotWord& word, SlotState state) {
  Slot<Atom>& slot = slots_[index];
  const bool queued = word.has(SlotWord::kQueued);
  const std::optional<VisitPlace> before = entry_of(index, word);
  if (before) visits_.prefetch(*before);
  const std::uint64_t visitor = slot.visitor.load(std::memory_order_acquire);
  const Milliseconds expire = slot.term(word.side() ^ 1U).expire();
  SlotWord next = word.with_pending_as_head().with(state);
  if (state == SlotState::kHeld) next = next.with(SlotWord::kQueued).with(SlotWord::kStale, queued);
  const bool moved = state == SlotState::kLeased
                         ? move_between<Group::kReserved, Group::kLeased>(slot, word, next)
                         : move_between<Group::kReserved, Group::kHeld>(slot, word, next);
  if (!moved) return false;
  if (state == SlotState::kLeased) {
    due_.lower(index, expire);
  } else {
    queued ? stale_.set(index) : idle_.push(index);
  }
  if (before) visits_.erase(*before, index);
  if (visitor != 0) visitors_[visitor_place(visitor)].store(index + 1, std::memory_order_relaxed);
  return true;
}

/// The hash under which the present or last holder's visit is in the index; none when it is not.
template <template <class> class Atom>
std::optional<typename LendingPool<Atom>::VisitPlace> LendingPool<Atom>::entry_of(std::uint32_t index,
                                                                                  SlotWord word) const {
  const Slot<Atom>& slot = slots_[index];
  if (!word.lent() || slot.term(word.side()).has(Term::kDisowned)) return std::nullopt;
  return place_of_record(slot, word.head());
}

}  // namespace ringtrace::pool
