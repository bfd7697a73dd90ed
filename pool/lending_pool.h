#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pool/big_array.h"
#include "pool/config.h"
#include "pool/contested_holders.h"
#include "pool/due_tree.h"
#include "pool/idle_queue.h"
#include "pool/lending_limits.h"
#include "pool/number_pools.h"
#include "pool/siphash.h"
#include "pool/slot.h"
#include "pool/slot_marks.h"
#include "pool/source_book.h"
#include "pool/tally.h"
#include "pool/text_arena.h"
#include "pool/text_words.h"
#include "pool/visit_index.h"

namespace ringtrace::pool {

/// What the pools of a gateway share.
template <template <class> class Atom>
struct SharedParts {
  SipKey key;
  TextArena<Atom>& texts;
  SourceBook<Atom>& sources;
  ContestedHolders<Atom>& contested;
};

/// One pool of NumberPools, with the meanings documented there. Lock-free: a thread stopped at any
/// instruction in here stops no other. What it may keep from the others is the work it has in hand: the one
/// number it has taken and not yet reserved, queued or given back, and the telling of one end.
///
/// A lease and its number, step by step (each step one compare-exchange on the slot's word or term; whoever
/// meets a step half done may do the rest, but for those marked *, which are the taker's own):
///
///   reserve   find the visit in the index; else take a slot from the queue*, write the record*, enter it in
///             the index*, make it tentative*; look for rivals; reserved, or aborted and once more
///   commit    the reservation's record and term become the slot's: the visit holds the number
///   renew     the term is moved
///   release   the term is closed, at now; then the slot is held, and queued
///   expire    the term is closed, at its expiry; then as above
///   ripen     the hold is over: free
///
/// One visit, one number (rivals). Two threads that reserve for one visit at once each enter a tentative slot
/// and then look through the visit's cells again. A slot becomes reserved only after somebody looked, after
/// it was entered, and found no slot reserved or leased for the visit, no tentative one in an earlier cell,
/// and aborted those in later cells. Of two rivals the one entered last is looked for by nobody who has not
/// seen the other; so at most one is reserved. Nobody waits: whoever finds a tentative slot decides on it.
///
/// Mostly there is no rival. A taker that has entered its slot and finds no other entry of the hash makes it
/// reserved at once, by an exchange from the word it took the slot with. A rival enters later than that look
/// (or the look had found it), and looks later still: it finds the slot reserved, or still taken; then it
/// counts the slot's word on, the exchange fails, and the taker goes the long way.
///
/// Order. Numbers rest in the order their leases ended (IdleQueue) and are taken in that order. A number
/// taken out of order (a visitor came back) leaves its entry behind; when it rests again before that entry
/// comes up, it goes to the end of the queue only then, so that a slot never has two entries. Such a number
/// is marked: it counts as free when its hold is over, and is lent then if nothing in order is. Numbers never
/// lent come first, after the few that were given back unused.
///
/// Stickiness is a hint by the visitor's hash: of two visitors in one place the one who came or went last is
/// found, and a visitor's number that another thread has in hand at that moment is not waited for.
///
/// Cost, of a visit without rivals, visitor or attributes in a pool of n numbers: atomic exchanges, and lines
/// of memory that are another's for each number or visit and so are rarely in a cache (counters, the queue's
/// ends and a source's label mostly are).
///
///                exchanges                                              lines
///     resolve    none                                                   3: directory, slot, record
///     renew      1: term                                                3: index, slot, record
///     reserve    4: queue's head, slot taken, index, slot reserved      5: queue, slot, records 2, index
///     commit     4: slot, term durable, index less its former visit,    2 + log64(n): index of the former
///                source's count                                            visit, due tree
///     release    4: term, slot, queue's entry, queue's tail             1: queue (the rest is still at hand)
///
/// What can be known beforehand is brought into the cache beforehand: by who reserves, while the index's line
/// of the visit is on its way, the slot after next and the places where the next one's commit will look.
/// Not by a look-up: which of a slot's lines it needs is written in the slot itself, and all six of them take
/// more out of the cache than they save. Only the index's line of a visit that comes for the first time is
/// nowhere foreseen: in a large pool it is waited for.
///
/// All are sequentially consistent, but for the words of records and the counters: "looked after it was
/// entered" (rivals), "stored before it was lowered" (due tree) and "marked after it was set" (marks) are
/// about the order of a store and a later load of another word, which nothing weaker gives; on x86 an
/// exchange and a load cost the same in any order.
template <template <class> class Atom = std::atomic>
class LendingPool {
 public:
  /// `slots`: room for `capacity(config)` slots, all zero, for as long as the pool lives; `first_slot`: the
  /// place of its first among the slots of all pools.
  LendingPool(const PoolConfig& config, PoolIndex index, const SharedParts<Atom>& shared,
              std::span<Slot<Atom>> slots, std::uint32_t first_slot);

  /// Numbers there is room for: those configured, and a sixteenth more, at least 1,024 and at most 65,536.
  static std::size_t capacity(const PoolConfig& config);

  const PoolConfig& config() const { return config_; }

  Reservation reserve(const VisitView& visit, Duration ttl, AdmissionClass admission, Time now);
  bool commit(const Ticket& ticket, bool durable, Time now);
  bool cancel(const Ticket& ticket, Time now);
  bool hold_back(const Ticket& ticket, Time now);
  void set_durable(const Ticket& ticket, Time expire, bool durable);
  std::optional<LeaseView> renew(std::string_view visit_id, Time expire, Time now);
  std::optional<LeaseView> release(std::string_view visit_id, Time now);
  std::optional<LeaseView> find_lease(std::string_view visit_id, Time now);
  std::size_t advance(Time now, std::span<LeaseView> ended);
  std::size_t scan(std::uint32_t& from, bool only_nondurable, std::span<LeaseView> out) const;
  std::size_t untold_ends(std::uint32_t slot, std::span<LeaseView> out) const;
  RestoreOutcome restore(std::uint32_t slot, const StoredLease& lease, Time now);

  /// The new number's slot; none when there is no room. One thread at a time.
  std::optional<std::uint32_t> add_number(Number number);
  /// Takes back what `drain` began; false when the slot is in use.
  bool undrain(std::uint32_t slot);
  bool drain(std::uint32_t slot);

  /// Makes `answer`, new, list who was shown the number of a slot of this pool by `at`, the last holder
  /// first, with no weights yet. Of an only one visit and source are the answer's too, which has none
  /// otherwise.
  void holders(const Slot<Atom>& slot, Time at, Resolution& answer) const;
  void holders(std::uint32_t slot, Time at, Resolution& answer) const { holders(slots_[slot], at, answer); }
  /// The keyed hash of the visitor whose lease of the slot began at `start`; 0 when unknown.
  std::uint64_t visitor_of(std::uint32_t slot, Time start) const;
  /// What a present, last or former holder of the slot brought; none, or empty, when memory has it no more.
  std::optional<std::string> attributes(std::uint32_t slot, const VisitId& visit) const;
  VisitorId visitor(std::uint32_t slot, const VisitId& visit) const;

  PoolCounts counts(Time now);
  PoolTotals totals() const;
  std::size_t memory_bytes() const;

 private:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  static constexpr std::size_t kMostHelp = 16;   // due leases that one operation ends on its way
  static constexpr std::size_t kMostLooks = 64;  // at numbers out of order before a pool is called exhausted
  /// Of a pool this small all but the slots themselves is mostly in the cache.
  static constexpr std::size_t kSlotsAtHand = 16'384;

  using Milliseconds = std::uint64_t;
  using VisitPlace = typename VisitIndex<Atom>::Place;

  /// A visit as it is looked for.
  struct Key {
    VisitWords words;
    VisitPlace place;
  };

  /// What a visit has, from best to nothing.
  enum class Tie : std::uint8_t { kNothing, kOther, kFree, kHeld, kLeased, kPending };
  struct Found {
    std::uint32_t slot = kNone;
    Tie tie = Tie::kNothing;
    SlotWord word;
    unsigned order = 0;  // of its cell in the index
  };

  struct Taken {
    std::uint32_t slot;
    SlotWord word;
    bool sticky;
    bool out_of_turn = false;
  };

  /// What became of a taken number.
  enum class Made : std::uint8_t {
    kReserved,
    kBeaten,   // by a rival of the same visit
    kNoPlace,  // in the index
  };

  struct TextsOf {
    std::uint32_t handle;
    typename TextArena<Atom>::Owner owner;
  };

  enum class Group : std::uint8_t { kFree, kReserved, kLeased, kHeld, kDrained };
  static constexpr std::size_t kGroups = 5;
  enum Counter : std::size_t {
    kExtensions = kGroups * kGroups,  // before it: moves from group to group
    kRenewals,
    kReleases,
    kExpiries,
    kCancellations,
    kSticky,
    kFallbacks,
    kRefusals,
    kBots,
    kTextsDropped,
    kNondurable,
    kIdleSeconds,
    kFirstLeases,  // of numbers never lent before
    kIdleBuckets,
    kCounters = kIdleBuckets + IdleHistogram::kBounds.size() + 1,
  };

  // lending_pool_lend.h: from a request to a lease
  Key key_of(std::string_view visit_id) const;
  Tie tie_to(const Slot<Atom>& slot, SlotWord word, const Key& key) const;
  Found find(const Key& key) const;
  [[gnu::noinline]] bool join(const Found& found, Milliseconds expire, Milliseconds now, Reservation& answer);
  void describe(std::uint32_t slot, SlotWord word, ReserveOutcome outcome, const RecordHead& record,
                Term term, Reservation& answer) const;
  [[gnu::noinline]] Reservation without_number(const VisitView& visit, AdmissionClass admission);
  Made make(const Taken& taken, const VisitView& visit, const Key& key, Milliseconds expire, Milliseconds now,
            Reservation& answer);
  RecordHead write_reservation(const Taken& taken, const VisitView& visit, const Key& key,
                               Milliseconds expire, Milliseconds start);
  bool install(std::uint32_t slot, SlotWord& word, SlotState state);
  std::optional<VisitPlace> entry_of(std::uint32_t slot, SlotWord word) const;
  /// The place of a visitor's hint; of the hash only the bits that a slot keeps count.
  std::size_t visitor_place(std::uint64_t hash) const { return ((hash >> 32) * slots_.size()) >> 32; }

  // lending_pool_rivals.h: one visit, one number
  [[gnu::noinline]] bool prevail(std::uint32_t slot, std::uint64_t generation, const Key& key,
                                 unsigned order);
  [[gnu::noinline]] void decide(const Key& key, std::uint32_t slot, unsigned order, SlotWord word);
  [[gnu::noinline]] bool rival_stands(const Key& key, std::uint32_t slot, unsigned order, bool mine_stands);

  // lending_pool_take.h: which number comes next
  std::optional<Taken> take_number(const Found& found, const VisitView& visit, const Key& key,
                                   AdmissionClass admission, Milliseconds now);
  [[gnu::noinline]] std::optional<Taken> take_former(std::uint32_t slot, const VisitView& visit,
                                                     const Key& key, AdmissionClass admission,
                                                     Milliseconds now);
  std::optional<std::uint32_t> former_of_visitor(std::string_view visitor_id) const;
  SlotWord taken(const Slot<Atom>& slot, SlotWord word, bool wide) const;
  std::optional<Taken> take_idle(bool wide, Milliseconds now);
  bool take_ripe(std::uint32_t slot, bool wide, SlotWord& word);
  [[gnu::noinline]] bool claim_popped(std::uint32_t slot, bool wide, Milliseconds now, SlotWord& word);
  [[gnu::noinline]] std::optional<Taken> take_straggler(bool wide, Milliseconds now);
  std::optional<std::uint32_t> take_returned();
  std::optional<std::uint32_t> take_fresh();
  bool may_take_free(AdmissionClass admission, Milliseconds now);
  [[gnu::noinline]] void free_stragglers(Milliseconds now);
  void return_permit();
  void prepare_next() const;
  void prefetch_slot(std::uint64_t places_behind) const;

  // lending_pool_end.h: how a slot changes, and leases are extended and end
  static Group group(SlotWord word);
  bool exchange(Slot<Atom>& slot, SlotWord& word, SlotWord next);
  bool move(std::uint32_t slot, SlotWord& word, SlotWord next);
  template <Group kFrom, Group kTo>
  bool move_between(Slot<Atom>& slot, SlotWord& word, SlotWord next);
  void count_move(Group from, Group to) {
    tally_.add(static_cast<std::size_t>(from) * kGroups + static_cast<std::size_t>(to));
  }
  Milliseconds idle_since(const Slot<Atom>& slot, SlotWord word) const;
  std::optional<Term> extend(std::uint32_t slot, SlotWord word, Milliseconds expire, Milliseconds now);
  [[gnu::noinline]] std::optional<Term> revive(std::uint32_t slot, SlotWord word, const Key& key,
                                               Milliseconds expire);
  bool close(std::uint32_t slot, SlotWord word, Term& term, Term closed);
  [[gnu::noinline]] void end_if_due(std::uint32_t slot, Milliseconds now);
  void finish_end(std::uint32_t slot, SlotWord word, Term term);
  Milliseconds due(std::uint32_t slot) const;
  void settle(Milliseconds now, std::size_t most) {
    if (due_.earliest() <= now) [[unlikely]]
      end_due(now, most);
  }
  [[gnu::noinline]] void end_due(Milliseconds now, std::size_t most);

  // lending_pool_rest.h: how numbers rest
  [[gnu::noinline]] void give_back(std::uint32_t slot, Milliseconds now, bool anew = false);
  bool put_first(std::uint32_t slot);
  void ripen_all(Milliseconds now);
  bool is_ripe(std::uint32_t slot, Milliseconds now, SlotWord& word) const;
  bool ripen(std::uint32_t slot, Milliseconds now);

  // lending_pool_keep.h, lending_pool_takeover.h, lending_pool_books.h
  std::optional<LeaseView> view(std::uint32_t slot) const;
  void describe_lease(std::uint32_t slot, Number number, const RecordHead& record, Milliseconds end,
                      bool live, bool durable, LeaseView& lease) const;
  std::optional<LeaseView> lease_of(const VisitWords& visit, std::uint32_t slot, const RecordHead& record,
                                    Milliseconds end, bool live, bool durable) const;
  [[gnu::noinline]] void read_holders(const Slot<Atom>& slot, SlotWord word, Time at,
                                      Resolution& answer) const;
  template <typename... Twins>
  bool read_last_holder(const Slot<Atom>& slot, SlotWord word, Time at, Candidate& holder,
                        Twins&... twins) const;
  template <typename... Twins>
  bool read_holder(const Slot<Atom>& slot, unsigned cell, const RecordHead& record, Milliseconds ended,
                   Time at, Candidate& holder, Twins&... twins) const;
  [[gnu::noinline]] void add_contestant(const Slot<Atom>& slot, Time at, Resolution& answer) const;
  bool knows(std::uint32_t slot, const Key& key, Time start) const;
  std::optional<RestoreOutcome> restore_same_visit(std::uint32_t slot, SlotWord word, const Key& key,
                                                   const StoredLease& lease, Milliseconds now);
  RestoreOutcome contest(std::uint32_t slot, const Key& key, const StoredLease& lease, bool live);
  std::optional<RestoreOutcome> restore_into(std::uint32_t slot, SlotWord word, const Key& key,
                                             const StoredLease& lease, Milliseconds now);
  std::optional<TextsOf> texts_of(std::uint32_t slot, const VisitId& visit) const;
  std::optional<Milliseconds> first_idle() const;
  void count_lease(const RecordHead& record, Milliseconds idle_since);
  bool give_up(const Ticket& ticket, Milliseconds now, bool hold_from_now);
  bool disown(std::uint32_t slot, std::uint64_t generation, Milliseconds end);
  void disown_former(std::uint32_t slot, SlotWord word);
  typename TextArena<Atom>::Owner owner(std::uint32_t slot, std::uint64_t generation) const {
    return {first_slot_ + slot, generation};
  }
  /// Where the visit of a record is in the index, as key_of has it. Keyed, so that nobody aims; all that too
  /// many in one place can do is that some of them get the fallback number, and the ids themselves are
  /// compared.
  VisitPlace place_of_record(const Slot<Atom>& slot, unsigned cell) const {
    PlacingHash hash(shared_.key);
    slot.for_each_visit_word(cell, [&](std::uint64_t word) { hash.add(word); });
    return visits_.place(hash.value());
  }
  /// What a visitor is known by, so a real hash.
  std::uint64_t hash_of_visitor(std::string_view visitor_id) const {
    return siphash(shared_.key, visitor_id);
  }

  // constant after construction
  const PoolConfig config_;
  const PoolIndex index_;
  const SharedParts<Atom> shared_;
  const Slots<Atom> slots_;
  const std::uint32_t first_slot_;
  const Milliseconds hold_;
  const bool large_;

  // own synchronization
  IdleQueue<Atom> idle_;
  VisitIndex<Atom> visits_;
  DueTree<Atom> due_;
  SlotMarks<Atom> untold_;                         // ended by time; `advance` has not said so yet
  SlotMarks<Atom> stale_;                          // rest apart from their entries, perhaps
  const BigArray<Atom<std::uint32_t>> visitors_;   // by hash: 1 + the slot of the visitor's latest
                                                   // beginning or end of a lease; a hint
  Atom<std::uint32_t> used_{};                     // slots with a number
  Atom<std::uint32_t> fresh_{};                    // the first of them that was never taken
  std::array<Atom<std::uint32_t>, 4> returned_{};  // 1 + slot: free and not queued; or 0
  Atom<bool> any_returned_{};                      // false: none of them is set
  Atom<std::int64_t> permits_{};                   // free numbers, where some are kept for the valuable
  Tally<kCounters> tally_;
};

}  // namespace ringtrace::pool

// The definitions: templates.
#include "pool/lending_pool_books.h"
#include "pool/lending_pool_end.h"
#include "pool/lending_pool_keep.h"
#include "pool/lending_pool_lend.h"
#include "pool/lending_pool_rest.h"
#include "pool/lending_pool_rivals.h"
#include "pool/lending_pool_take.h"
#include "pool/lending_pool_takeover.h"
