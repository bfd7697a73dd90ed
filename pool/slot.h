#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "pool/number.h"
#include "pool/slot_word.h"
#include "pool/text_words.h"
#include "pool/time.h"
#include "pool/visit.h"

namespace ringtrace::pool {

/// Milliseconds since 1970, within what a term can say.
inline std::uint64_t to_milliseconds(Time time) {
  const auto count = time.time_since_epoch().count();
  return count < 0 ? 0 : std::min(static_cast<std::uint64_t>(count), Term::kLatest);
}

inline Time from_milliseconds(std::uint64_t milliseconds) {
  return Time(Duration(static_cast<Duration::rep>(milliseconds)));
}

/// A visit id as the words a record keeps it in: zero bytes behind the text, which has none itself, and not
/// all of those: what is behind a word of zeros has no meaning.
struct VisitWords {
  static constexpr unsigned kNarrow = 7;  ///< words of an id of at most 56 bytes
  static constexpr unsigned kWide = 16;

  explicit VisitWords(std::string_view visit_id) {
    // As is_valid_visit_id, in the same pass.
    words[0] = 0;
    if (visit_id.empty() || visit_id.size() > VisitId::kMaxBytes) return;
    const auto size = static_cast<unsigned>(visit_id.size());
    unsigned filled = 0;
    std::uint64_t controls = 0;
    for (; filled < size / 8; ++filled) {
      const std::uint64_t word = load_word(visit_id.data() + std::size_t{8} * filled);
      controls |= control_characters(word);
      words[filled] = word;
    }
    if (const unsigned rest = size % 8; rest != 0) {
      const std::uint64_t word = load_tail(visit_id);
      controls |= control_characters(word, rest);
      words[filled++] = word;
    }
    bytes = size;
    used = filled;
    count = size <= 8 * kNarrow ? kNarrow : kWide;
    if (filled < count) words[filled] = 0;
    valid = controls == 0;
  }

  bool wide() const { return count == kWide; }
  /// Words by which ids are compared: those of the text, and one of zeros if there is room.
  unsigned to_compare() const { return std::min(used + 1, count); }

  bool valid = false;  ///< it is a visit id; otherwise the words mean nothing
  unsigned bytes = 0;  ///< of text
  unsigned used = 0;   ///< words of text
  unsigned count = kNarrow;
  std::uint64_t words[kWide];  // indices below kWide by construction: nothing checks them
};

/// The two words before a record's visit id.
///
///     start, milliseconds (42) | sequence (22)      together: the lease's generation, unique in its slot
///     end (42) | source (16) | wide | durable | sticky | unused (3)
///
/// The end and whether the store knows it are written when the next reservation is made: those of the present
/// and of the last holder are in the term.
struct RecordHead {
  std::uint64_t generation = 0;
  std::uint64_t rest = 0;

  static RecordHead make(std::uint64_t start, std::uint64_t sequence, std::uint16_t source, bool wide,
                         bool sticky) {
    return {(start << 22) | (sequence & 0x3F'FFFF),
            (std::uint64_t{source} << 6) | (std::uint64_t{wide} << 5) | (std::uint64_t{sticky} << 3)};
  }
  std::uint64_t start() const { return generation >> 22; }
  std::uint64_t end() const { return rest >> 22; }
  std::uint16_t source() const { return static_cast<std::uint16_t>(rest >> 6); }
  bool wide() const { return (rest & 0x20) != 0; }
  bool durable() const { return (rest & 0x10) != 0; }
  bool sticky() const { return (rest & 8) != 0; }
  unsigned cells() const { return wide() ? 2 : 1; }
  std::uint64_t rest_with_end(std::uint64_t end, bool durable) const {
    return (end << 22) | (rest & 0x3F'FFEF) | (durable ? 0x10U : 0U);
  }
};

/// One number with all that memory knows of it: 352 bytes, fixed at start.
///
///     word      what the slot is                                            8
///     terms     until when; the record's and the reservation's              16
///     number    digits (50) | pool (14); constant once the slot is in use    8
///     rested    when it came to rest without a lease's end, 0: never         8
///     visitor   keyed hash (44) of the last reservation's visitor | its
///               sequence (20); 0 when unknown                                8
///     texts     handle of each record's visitor and attributes              16
///     cells     four of 72 bytes: a ring of records, the newest at head:
///               eight words of each, one behind the other                  256
///               the ninth word of each                                      32
///
/// Slots begin at multiples of 32 bytes, so that the first 32 bytes, which every operation reads, lie in one
/// cache line, and so do the first 32 of a record, which are all of one with an id of up to 16 bytes; one
/// with up to 48 takes two lines at most. What operations touch, and how often they exchange, is written in
/// lending_pool.h.
///
/// A record takes one cell, or two when its visit id is longer than 56 bytes: two cells of the longest always
/// have room, so that the holder and a reservation do; what is left remembers former holders, four holders
/// in all while nothing is reserved and the ids are short. A reservation overwrites the oldest.
///
/// Invariants
///  S1  A record's words change only while its start is not announced in the word: whoever takes the slot
///      withdraws, in the same compare-exchange, the starts of the cells the reservation will overwrite.
///  S2  Who reads records loads the word before and after: when it is the same, what was read belongs
///      together. (Words of records are stored with release and loaded with acquire: a reader who sees a
///      later record also sees the later word.) A reader goes round again only because another operation has
///      completed.
///  S3  Only the taker writes cells, texts, visitor, the other side's term and the record's end, between
///      taking the slot and making it tentative.
template <template <class> class Atom>
struct alignas(32) Slot {
  /// Words of a cell that lie in a row; the last is apart.
  static constexpr unsigned kWordsInRow = 8;

  Atom<std::uint64_t> word{};
  Atom<std::uint64_t> terms[2]{};
  Atom<std::uint64_t> number_and_pool{};
  Atom<std::uint64_t> rested{};
  Atom<std::uint64_t> visitor{};
  Atom<std::uint32_t> texts[SlotWord::kCells]{};
  Atom<std::uint64_t> cells[SlotWord::kCells][kWordsInRow]{};
  Atom<std::uint64_t> tails[SlotWord::kCells]{};

  /// Has the whole slot brought into the cache while other work is done.
  void prefetch() const {
    for (std::size_t at = 0; at < sizeof(Slot); at += 64) {
      __builtin_prefetch(reinterpret_cast<const char*>(this) + at);
    }
  }

  SlotWord load() const { return SlotWord(word.load()); }
  Term term(unsigned side) const { return Term(terms[side].load()); }

  Number number() const {
    return Number::from_digits(number_and_pool.load(std::memory_order_acquire) >> 14).value_or(Number());
  }
  /// Whether the slot is that number's.
  bool is(Number number) const {
    return number_and_pool.load(std::memory_order_acquire) >> 14 == number.digits();
  }
  std::uint32_t pool() const {
    return static_cast<std::uint32_t>(number_and_pool.load(std::memory_order_acquire) & 0x3FFF);
  }
  void set_number(Number number, std::uint32_t pool) {
    number_and_pool.store((number.digits() << 14) | pool, std::memory_order_release);
  }

  RecordHead record(unsigned cell) const {
    return {cells[cell][0].load(std::memory_order_acquire), cells[cell][1].load(std::memory_order_acquire)};
  }

  void set_end(unsigned cell, std::uint64_t rest) { cells[cell][1].store(rest, std::memory_order_release); }

  /// Notes of a former holder's record whether the store knows it, unless the record has changed meanwhile.
  void exchange_rest(unsigned cell, std::uint64_t seen, std::uint64_t rest) {
    cells[cell][1].compare_exchange_strong(seen, rest);
  }

  /// S3: the taker's. Words behind a word of zeros are left as they are.
  void write_record(unsigned cell, const RecordHead& head, const VisitWords& visit) {
    Atom<std::uint64_t>* const row = cells[cell];
    row[0].store(head.generation, std::memory_order_release);
    row[1].store(head.rest, std::memory_order_release);
    const unsigned count = visit.to_compare();
    for (unsigned i = 0; i < std::min(count, kInRow); ++i) {
      row[kWordsOfHead + i].store(visit.words[i], std::memory_order_release);
    }
    for (unsigned i = kInRow; i < count; ++i) {
      place_of_word(*this, cell, i).store(visit.words[i], std::memory_order_release);
    }
  }

  bool holds_visit(unsigned cell, const VisitWords& visit) const {
    const Atom<std::uint64_t>* const row = cells[cell];
    if (row[kWordsOfHead].load(std::memory_order_acquire) != visit.words[0]) return false;
    // Seven words may be all of one id and the beginning of another; behind fewer is a word of zeros.
    if (visit.used >= VisitWords::kNarrow && record(cell).wide() != visit.wide()) return false;
    // Words behind a word of zeros are not written and not looked at.
    const unsigned count = visit.to_compare();
    for (unsigned i = 1; i < std::min(count, kInRow); ++i) {
      if (row[kWordsOfHead + i].load(std::memory_order_acquire) != visit.words[i]) return false;
    }
    for (unsigned i = kInRow; i < count; ++i) {
      if (visit_word(cell, i) != visit.words[i]) return false;
    }
    return true;
  }

  /// The visit id of the record at `cell`, into `visit` and all of `twins`.
  template <typename... Twins>
  void read_visit(unsigned cell, VisitId& visit, Twins&... twins) const {
    visit.set_words([&](auto use) { for_each_visit_word(cell, use); }, twins...);
  }
  /// Calls `use(word)` for the words of the visit id of the record at `cell`, up to a word of zeros.
  template <typename Use>
  void for_each_visit_word(unsigned cell, Use use) const {
    const Atom<std::uint64_t>* const row = cells[cell];
    for (unsigned i = 0; i < kInRow; ++i) {
      const std::uint64_t next = row[kWordsOfHead + i].load(std::memory_order_acquire);
      if (next == 0) return;
      use(next);
    }
    const unsigned count = record(cell).wide() ? VisitWords::kWide : VisitWords::kNarrow;
    for (unsigned i = kInRow; i < count; ++i) {
      const std::uint64_t next = visit_word(cell, i);
      if (next == 0) return;
      use(next);
    }
  }
  /// The i-th word of the visit id of the record at `cell`.
  std::uint64_t visit_word(unsigned cell, unsigned i) const {
    return place_of_word(*this, cell, i).load(std::memory_order_acquire);
  }

 private:
  static constexpr unsigned kWordsOfHead = 2;
  static constexpr unsigned kInRow = kWordsInRow - kWordsOfHead;  // words of a visit id

  static constexpr unsigned next_cell(unsigned cell) { return (cell + 1) % SlotWord::kCells; }

  /// The place of the i-th word of the visit id of the record at `cell`: behind the record's head, then, of a
  /// wide one, in the next cell.
  template <typename Self>
  static auto& place_of_word(Self& self, unsigned cell, unsigned i) {
    if (i < kInRow) [[likely]]
      return self.cells[cell][i + kWordsOfHead];
    const bool own = i < VisitWords::kNarrow;
    const unsigned of_cell = own ? cell : next_cell(cell);
    const unsigned in_cell = own ? i + kWordsOfHead : i - VisitWords::kNarrow;
    return in_cell < kWordsInRow ? self.cells[of_cell][in_cell] : self.tails[of_cell];
  }
};

static_assert(sizeof(Slot<std::atomic>) == 352);

/// The slots of a pool. Places are checked where they come from outside; a look-up does not check again.
template <template <class> class Atom>
struct Slots {
  Slot<Atom>* const first;
  const std::size_t count;

  Slot<Atom>& operator[](std::size_t place) const { return first[place]; }
  std::size_t size() const { return count; }
};

}  // namespace ringtrace::pool
