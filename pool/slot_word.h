#pragma once

#include <cstdint>

namespace ringtrace::pool {

/// Where a number is in its life.
///
///     free -> taken -> tentative -> reserved -> leased -> held -> free
///
/// A taken slot is its taker's alone, who writes the reservation's record into it; a tentative one can be
/// found by its visit and waits to be told from a rival reservation of the same visit; an aborted one has
/// lost to such a rival and is its taker's again.
enum class SlotState : std::uint8_t { kFree, kTaken, kTentative, kAborted, kReserved, kLeased, kHeld };

/// The one word that says what a slot is: every change to a slot is one compare-exchange on it, or on its
/// term.
///
///     tag (48) | flags (4) | pending (2) | starts (4) | head (2) | side (1) | state (3)
///
/// Every change counts the tag up, so that a compare-exchange succeeds only when nothing has changed since
/// the word was read: at a million changes a second on one slot the tag comes round after 8.9 years. A slot
/// of zeroes is a free one that was never lent.
class SlotWord {
 public:
  /// `kQueued`: the queue of idle numbers has an entry of the slot. `kStale`: that entry's place is not where
  /// the slot belongs (it was taken out of order and rests again). `kDraining`: goes out of use when free.
  /// `kContested`: memory and store have lent the number to two visits; see LendingPool::restore.
  enum Flag : std::uint64_t {
    kQueued = 1ULL << 12,
    kStale = 1ULL << 13,
    kDraining = 1ULL << 14,
    kContested = 1ULL << 15,
  };

  /// The bits of the state.
  static constexpr std::uint64_t kStates = 7;

  /// Cells for records in a slot; see slot.h.
  static constexpr unsigned kCells = 4;

  constexpr SlotWord() = default;
  constexpr explicit SlotWord(std::uint64_t bits) : bits_(bits) {}

  constexpr std::uint64_t bits() const { return bits_; }
  constexpr std::uint64_t tag() const { return bits_ >> kTagAt; }
  constexpr SlotState state() const { return static_cast<SlotState>(bits_ & kStates); }
  constexpr bool has(Flag flag) const { return (bits_ & flag) != 0; }

  /// Which of the two terms is the record's.
  constexpr unsigned side() const { return static_cast<unsigned>(bits_ >> 3) & 1; }
  /// The cell where the record, of the present or the last holder, begins.
  constexpr unsigned head() const { return static_cast<unsigned>(bits_ >> 4) & 3; }
  /// The cell where the record of the reservation begins, of a slot that is reserved or on the way there.
  constexpr unsigned pending() const { return static_cast<unsigned>(bits_ >> 10) & 3; }
  /// A holder's record, present, last or former, begins at the cell.
  constexpr bool starts(unsigned cell) const { return ((bits_ >> (6 + cell)) & 1) != 0; }
  /// The cells at which records begin, a bit each.
  constexpr unsigned starts() const { return static_cast<unsigned>(bits_ >> 6) & 15; }
  /// The slot was lent before, and its record is there.
  constexpr bool lent() const { return starts(head()); }
  /// Between taken and reserved.
  constexpr bool reserving() const {
    return state() != SlotState::kFree && state() != SlotState::kLeased && state() != SlotState::kHeld;
  }
  /// The reservation's record is complete and may be read.
  constexpr bool has_pending() const {
    return state() == SlotState::kTentative || state() == SlotState::kReserved;
  }

  constexpr SlotWord with(SlotState state) const {
    return SlotWord((bits_ & ~kStates) | static_cast<std::uint64_t>(state));
  }
  constexpr SlotWord with(Flag flag, bool set = true) const {
    return SlotWord(set ? bits_ | flag : bits_ & ~static_cast<std::uint64_t>(flag));
  }
  constexpr SlotWord with_pending(unsigned cell) const {
    return SlotWord((bits_ & ~(std::uint64_t{3} << 10)) | (std::uint64_t{cell} << 10));
  }
  constexpr SlotWord without_start(unsigned cell) const {
    return SlotWord(bits_ & ~(std::uint64_t{1} << (6 + cell)));
  }
  /// The reservation's record and term become the slot's.
  constexpr SlotWord with_pending_as_head() const {
    const std::uint64_t kept = bits_ & ~(std::uint64_t{3} << 4);
    return SlotWord((kept | (std::uint64_t{pending()} << 4) | (std::uint64_t{1} << (6 + pending()))) ^ 8);
  }
  /// The other term becomes the record's: the lease is back.
  constexpr SlotWord with_other_side() const { return SlotWord(bits_ ^ 8); }
  /// The word that takes this one's place: counted on by one.
  constexpr SlotWord counted() const { return SlotWord(bits_ + (std::uint64_t{1} << kTagAt)); }

  friend constexpr bool operator==(SlotWord, SlotWord) = default;

 private:
  static constexpr unsigned kTagAt = 16;

  std::uint64_t bits_ = 0;
};

/// Until when a lease stands, in one word: a renewal is one compare-exchange on it and touches nothing else.
///
///     expire, milliseconds since 1970 (42, until 2109) | stamp (18) | flags (4)
///
/// A closed term is over: `expire` is when it ended. The stamp is from the tag of the slot's word when the
/// lease, or its revival, was made: a term comes back as the same word only when a slot is lent 2^18 times
/// with the same end.
class Term {
 public:
  /// `kLapsed`: ended by time. `kDisowned`: the visit neither holds the number any more nor comes back to it.
  /// `kDurable`: the store knows the record as it stands.
  enum Flag : std::uint64_t { kClosed = 1, kDurable = 2, kLapsed = 4, kDisowned = 8 };

  static constexpr std::uint64_t kLatest = (std::uint64_t{1} << 42) - 1;

  constexpr Term() = default;
  constexpr explicit Term(std::uint64_t bits) : bits_(bits) {}
  static constexpr Term open(std::uint64_t expire, std::uint64_t stamp) {
    return Term((expire << 22) | ((stamp & 0x3'FFFF) << 4));
  }

  constexpr std::uint64_t bits() const { return bits_; }
  constexpr std::uint64_t expire() const { return bits_ >> 22; }
  constexpr bool has(Flag flag) const { return (bits_ & flag) != 0; }
  constexpr bool closed() const { return has(kClosed); }
  constexpr bool durable() const { return has(kDurable); }

  constexpr Term until(std::uint64_t expire) const { return Term((expire << 22) | (bits_ & 0x3F'FFFF)); }
  constexpr Term with(Flag flag, bool set = true) const {
    return Term(set ? bits_ | flag : bits_ & ~static_cast<std::uint64_t>(flag));
  }
  friend constexpr bool operator==(Term, Term) = default;

 private:
  std::uint64_t bits_ = 0;
};

}  // namespace ringtrace::pool
