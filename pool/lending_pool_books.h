#pragma once

// What a LendingPool knows: look-ups, numbers and figures.

#include <algorithm>

#include "pool/lending_pool.h"

namespace ringtrace::pool {

template <template <class> class Atom>
std::size_t LendingPool<Atom>::capacity(const PoolConfig& config) {
  const std::size_t numbers = config.numbers.size();
  return numbers + std::clamp(numbers / 16, lending::kLeastSpare, lending::kMostSpare);
}

template <template <class> class Atom>
LendingPool<Atom>::LendingPool(const PoolConfig& config, PoolIndex index, const SharedParts<Atom>& shared,
                               std::span<Slot<Atom>> slots, std::uint32_t first_slot)
    : config_(config),
      index_(index),
      shared_(shared),
      slots_{slots.data(), slots.size()},
      first_slot_(first_slot),
      hold_(static_cast<Milliseconds>(config.hold.count())),
      large_(slots.size() > kSlotsAtHand),
      idle_(slots.size()),
      visits_(slots.size()),
      due_(slots.size()),
      untold_(slots.size()),
      stale_(slots.size()),
      visitors_(slots.size()) {}

/// All of a lease but its visit. The label comes last: what is written before something shared is read is
/// written for good, and so would be what the lease was made with.
template <template <class> class Atom>
void LendingPool<Atom>::describe_lease(std::uint32_t index, Number number, const RecordHead& record,
                                       Milliseconds end, bool live, bool durable, LeaseView& lease) const {
  lease.ticket = {index_, index, record.generation};
  lease.number = number;
  lease.start = from_milliseconds(record.start());
  lease.expire = from_milliseconds(end);
  lease.live = live;
  lease.durable = durable;
  shared_.sources.read_label(record.source(), lease.source);
}

/// The visit's lease. Made where it is returned: an empty optional is written from end to end.
template <template <class> class Atom>
std::optional<LeaseView> LendingPool<Atom>::lease_of(const VisitWords& visit, std::uint32_t index,
                                                     const RecordHead& record, Milliseconds end, bool live,
                                                     bool durable) const {
  const Number number = slots_[index].number();
  std::optional<LeaseView> lease(std::in_place);
  describe_lease(index, number, record, end, live, durable, *lease);
  lease->visit.set_words_of(visit.bytes, [&](std::size_t i) { return visit.words[i]; });
  return lease;
}

/// The present or last lease of the slot; none when it was never lent.
template <template <class> class Atom>
std::optional<LeaseView> LendingPool<Atom>::view(std::uint32_t index) const {
  const Slot<Atom>& slot = slots_[index];
  for (;;) {
    const SlotWord word = slot.load();
    if (!word.lent()) return std::nullopt;
    const RecordHead record = slot.record(word.head());
    std::optional<LeaseView> lease(std::in_place);
    slot.read_visit(word.head(), lease->visit);
    const Term term = slot.term(word.side());
    if (slot.load() != word) continue;
    const bool live = word.state() == SlotState::kLeased && !term.closed();
    describe_lease(index, slot.number(), record, term.expire(), live, term.durable(), *lease);
    lease->lapsed = term.closed() && term.has(Term::kLapsed);
    return lease;
  }
}

template <template <class> class Atom>
std::size_t LendingPool<Atom>::untold_ends(std::uint32_t index, std::span<LeaseView> out) const {
  const Slot<Atom>& slot = slots_[index];
  for (;;) {
    const SlotWord word = slot.load();
    std::size_t count = 0;
    for (unsigned i = 1; i < SlotWord::kCells && count < out.size(); ++i) {
      const unsigned cell = (word.head() + i) % SlotWord::kCells;
      if (!word.starts(cell)) continue;
      const RecordHead record = slot.record(cell);
      if (record.durable()) continue;
      slot.read_visit(cell, out[count].visit);
      describe_lease(index, slot.number(), record, record.end(), false, false, out[count++]);
    }
    if (slot.load() != word) continue;
    const auto last = view(index);
    if (last && !last->live && !last->durable && count < out.size()) out[count++] = *last;
    if (slot.load() == word) return count;
  }
}

template <template <class> class Atom>
std::size_t LendingPool<Atom>::scan(std::uint32_t& from, bool only_nondurable,
                                    std::span<LeaseView> out) const {
  std::size_t count = 0;
  for (const std::uint32_t used = used_.load(); from < used && count < out.size(); ++from) {
    const auto last = view(from);
    if (!last) continue;
    if (!only_nondurable) {
      out[count++] = *last;
      continue;
    }
    std::array<LeaseView, SlotWord::kCells + 1> found;
    std::size_t records = untold_ends(from, found);
    if (last->live && !last->durable && records < found.size()) found[records++] = *last;
    if (count > 0 && count + records > out.size()) return count;
    records = std::min(records, out.size() - count);
    std::copy_n(found.begin(), records, out.begin() + static_cast<std::ptrdiff_t>(count));
    count += records;
  }
  return count;
}

template <template <class> class Atom>
std::optional<std::uint32_t> LendingPool<Atom>::add_number(Number number) {
  const std::uint32_t index = used_.load();
  if (index == slots_.size()) return std::nullopt;
  slots_[index].set_number(number, index_.value);
  if (config_.valuable_reserve > 0) permits_.fetch_add(1);
  used_.store(index + 1);
  return index;
}

template <template <class> class Atom>
bool LendingPool<Atom>::drain(std::uint32_t index) {
  for (SlotWord word = slots_[index].load();;) {
    if (word.has(SlotWord::kDraining)) return false;
    if (move(index, word, word.with(SlotWord::kDraining))) return true;
  }
}

template <template <class> class Atom>
bool LendingPool<Atom>::undrain(std::uint32_t index) {
  for (SlotWord word = slots_[index].load();;) {
    if (!word.has(SlotWord::kDraining)) return false;
    const bool lost = word.state() == SlotState::kFree && !word.has(SlotWord::kQueued);
    const SlotWord back = word.with(SlotWord::kDraining, false);
    // A free number that its queue has dropped is taken, and given back, to be queued again.
    if (!move(index, word, lost ? back.with(SlotState::kTaken) : back)) continue;
    if (lost) give_back(index, Term::kLatest);
    return true;
  }
}

template <template <class> class Atom>
void LendingPool<Atom>::holders(const Slot<Atom>& slot, Time at, Resolution& answer) const {
  for (;; answer.visit.clear(), answer.source.clear()) {
    const SlotWord word = slot.load();
    answer.candidate_count = 0;
    if (word.starts() == 1U << word.head()) [[likely]] {
      Candidate& only = *answer.candidate_storage.data();
      answer.candidate_count = read_last_holder(slot, word, at, only, answer) ? 1 : 0;
    } else if (word.starts() != 0) {
      read_holders(slot, word, at, answer);
    }
    if (slot.load() != word) continue;
    if (word.has(SlotWord::kContested)) [[unlikely]]
      add_contestant(slot, at, answer);
    return;
  }
}

/// Those of a slot that remembers several.
template <template <class> class Atom>
void LendingPool<Atom>::read_holders(const Slot<Atom>& slot, SlotWord word, Time at,
                                     Resolution& answer) const {
  static_assert(SlotWord::kCells < kMaxCandidates);
  unsigned left = word.starts();
  for (unsigned cell = word.head(); left != 0; cell = (cell - 1) % SlotWord::kCells) {
    const unsigned bit = 1U << cell;
    if ((left & bit) == 0) continue;
    left &= ~bit;
    Candidate& next = answer.candidate_storage[answer.candidate_count];
    const RecordHead record = slot.record(cell);
    const bool read = cell == word.head() ? read_last_holder(slot, word, at, next)
                                          : read_holder(slot, cell, record, record.end(), at, next);
    answer.candidate_count += read ? 1U : 0U;
  }
}

/// The present or last holder.
template <template <class> class Atom>
template <typename... Twins>
bool LendingPool<Atom>::read_last_holder(const Slot<Atom>& slot, SlotWord word, Time at, Candidate& holder,
                                         Twins&... twins) const {
  const unsigned cell = word.head();
  return read_holder(slot, cell, slot.record(cell), slot.term(word.side()).expire(), at, holder, twins...);
}

/// Visit and source go to `twins` as well. False, and nothing is written, when the holder was shown the
/// number after `at`, or too long before.
template <template <class> class Atom>
template <typename... Twins>
bool LendingPool<Atom>::read_holder(const Slot<Atom>& slot, unsigned cell, const RecordHead& record,
                                    Milliseconds ended, Time at, Candidate& holder, Twins&... twins) const {
  const Time shown = from_milliseconds(record.start());
  const Time end = from_milliseconds(ended);
  if (shown > at || end + kLongestLag <= at) return false;
  slot.read_visit(cell, holder.visit, twins.visit...);
  shared_.sources.read_label(record.source(), holder.source, twins.source...);
  holder.shown = shown;
  holder.end = end;
  holder.weight = 0;
  return true;
}

/// With the other visit that has the number, as the store says.
template <template <class> class Atom>
void LendingPool<Atom>::add_contestant(const Slot<Atom>& slot, Time at, Resolution& answer) const {
  answer.visit.clear();
  answer.source.clear();
  const auto index = static_cast<std::uint32_t>(&slot - slots_.first);
  const auto other = shared_.contested.find(first_slot_ + index);
  const bool reached = other && other->shown <= at && other->end + kLongestLag > at;
  if (reached) answer.candidate_storage[answer.candidate_count++] = *other;
}

template <template <class> class Atom>
std::uint64_t LendingPool<Atom>::visitor_of(std::uint32_t index, Time start) const {
  const Slot<Atom>& slot = slots_[index];
  for (;;) {
    const SlotWord word = slot.load();
    if (!word.lent()) return 0;
    const RecordHead record = slot.record(word.head());
    const std::uint64_t visitor = slot.visitor.load(std::memory_order_acquire);
    if (slot.load() != word) continue;
    const bool of_record = visitor == lending::visitor_word(visitor, record.generation);
    return of_record && from_milliseconds(record.start()) == start ? visitor >> 20 : 0;
  }
}

template <template <class> class Atom>
std::optional<typename LendingPool<Atom>::TextsOf> LendingPool<Atom>::texts_of(std::uint32_t index,
                                                                               const VisitId& visit) const {
  const Slot<Atom>& slot = slots_[index];
  const VisitWords words(visit.view());
  for (;;) {
    const SlotWord word = slot.load();
    std::optional<TextsOf> found;
    for (unsigned back = 0; back < SlotWord::kCells && !found; ++back) {
      const unsigned cell = (word.head() + SlotWord::kCells - back) % SlotWord::kCells;
      if (!word.starts(cell) || !slot.holds_visit(cell, words)) continue;
      found = {slot.texts[cell].load(std::memory_order_acquire), owner(index, slot.record(cell).generation)};
    }
    if (slot.load() == word) return found;
  }
}

template <template <class> class Atom>
std::optional<std::string> LendingPool<Atom>::attributes(std::uint32_t index, const VisitId& visit) const {
  const auto texts = texts_of(index, visit);
  if (!texts) return std::nullopt;
  return texts->handle == 0 ? std::string() : shared_.texts.attributes(texts->handle, texts->owner);
}

template <template <class> class Atom>
VisitorId LendingPool<Atom>::visitor(std::uint32_t index, const VisitId& visit) const {
  const auto texts = texts_of(index, visit);
  if (!texts || texts->handle == 0) return {};
  return shared_.texts.visitor(texts->handle, texts->owner).value_or(VisitorId());
}

template <template <class> class Atom>
PoolCounts LendingPool<Atom>::counts(Time at) {
  settle(to_milliseconds(at), slots_.size());
  ripen_all(to_milliseconds(at));
  const auto members = [this](Group of) {
    std::uint64_t count = 0;
    for (std::size_t other = 0; other < kGroups; ++other) {
      count += tally_.sum(other * kGroups + static_cast<std::size_t>(of)) -
               tally_.sum(static_cast<std::size_t>(of) * kGroups + other);
    }
    // Threads may be between two counts; a sum below zero is one that will be right in a moment.
    return count > slots_.size() ? 0 : count;
  };
  PoolCounts counts;
  counts.total = used_.load();
  counts.leased = members(Group::kLeased);
  counts.held = members(Group::kHeld);
  counts.reserved = members(Group::kReserved);
  counts.drained = members(Group::kDrained);
  // Numbers whose hold is over, and whose entry in the queue has not come up.
  std::uint64_t waiting = 0;
  stale_.for_each([&](std::uint32_t slot) {
    const SlotWord word = slots_[slot].load();
    const bool over = idle_since(slots_[slot], word) + hold_ <= to_milliseconds(at);
    waiting += word.state() == SlotState::kHeld && over ? 1U : 0U;
  });
  counts.held -= std::min(counts.held, waiting);
  const std::uint64_t others = counts.leased + counts.held + counts.reserved + counts.drained;
  counts.free = counts.total - std::min(counts.total, others);
  counts.nondurable = std::min(tally_.sum(kNondurable), counts.leased);
  if (const auto first = first_idle(); first && *first != 0)
    counts.oldest_idle = at - from_milliseconds(*first);
  return counts;
}

/// Since when the number that comes next has been idle, 0 when it was never lent; none when none is free.
template <template <class> class Atom>
std::optional<typename LendingPool<Atom>::Milliseconds> LendingPool<Atom>::first_idle() const {
  for (const Atom<std::uint32_t>& place : returned_) {
    const std::uint32_t slot = place.load();
    if (slot != 0) return idle_since(slots_[slot - 1], slots_[slot - 1].load());
  }
  if (fresh_.load() < used_.load()) return 0;
  const auto slot = idle_.first();
  if (!slot) return std::nullopt;
  return idle_since(slots_[*slot], slots_[*slot].load());
}

template <template <class> class Atom>
void LendingPool<Atom>::count_lease(const RecordHead& record, Milliseconds since) {
  shared_.sources.count(index_.value, record.source());
  if (record.sticky()) tally_.add(kSticky);
  if (since == 0) return tally_.add(kFirstLeases);
  const Duration idle(static_cast<Duration::rep>(record.start() - std::min(since, record.start())));
  std::size_t bucket = 0;
  while (bucket < IdleHistogram::kBounds.size() && idle >= IdleHistogram::kBounds[bucket]) ++bucket;
  tally_.add_all({{kIdleBuckets + bucket}, {kIdleSeconds, static_cast<std::uint64_t>(idle.count()) / 1000}});
}

template <template <class> class Atom>
PoolTotals LendingPool<Atom>::totals() const {
  PoolTotals totals;
  totals.leases = tally_.sum(kFirstLeases);
  for (std::size_t i = 0; i < totals.idle.buckets.size(); ++i) {
    totals.idle.buckets[i] = tally_.sum(kIdleBuckets + i);
    totals.leases += totals.idle.buckets[i];
  }
  totals.idle.total_seconds = tally_.sum(kIdleSeconds);
  totals.extensions = tally_.sum(kExtensions);
  totals.renewals = tally_.sum(kRenewals);
  totals.releases = tally_.sum(kReleases);
  totals.expiries = tally_.sum(kExpiries);
  totals.cancellations = tally_.sum(kCancellations);
  totals.sticky = tally_.sum(kSticky);
  totals.fallbacks = tally_.sum(kFallbacks);
  totals.refusals = tally_.sum(kRefusals);
  totals.bots = tally_.sum(kBots);
  totals.attributes_dropped = tally_.sum(kTextsDropped);
  return totals;
}

template <template <class> class Atom>
std::size_t LendingPool<Atom>::memory_bytes() const {
  return sizeof(*this) + slots_.size() * (sizeof(Slot<Atom>) + sizeof(std::uint32_t)) + idle_.memory_bytes() +
         visits_.memory_bytes() + due_.memory_bytes() + untold_.memory_bytes() + stale_.memory_bytes();
}

}  // namespace ringtrace::pool
