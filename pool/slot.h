#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "pool/attribute_arena.h"
#include "pool/number.h"
#include "pool/time.h"
#include "pool/visit.h"

namespace ringtrace::pool {

/// Where a number is in its life.
enum class SlotState : std::uint8_t { kFree, kReserved, kLeased, kHeld, kDrained };

/// A lease as its slot remembers it: the present one, the last one, or one that is being made.
struct Record {
  VisitId visit;
  VisitorId visitor;
  Source source;
  Time start = kNever;
  Time expire = kNever;  ///< of an ended lease: when it ended
  std::uint64_t generation = 0;
  AttributeArena::Handle attributes;
  bool durable = false;
};

/// A holder before the last one.
struct FormerHolder {
  VisitId visit;
  Source source;
  Time start = kNever;
  Time end = kNever;
  std::uint64_t generation = 0;
  AttributeArena::Handle attributes;
  bool durable = false;
};

/// The four holders before the last one, in the order their leases ended; the oldest makes room.
class FormerHolders {
 public:
  static constexpr std::size_t kMost = 4;

  std::span<const FormerHolder> all() const { return {holders_.data(), count_}; }
  std::span<FormerHolder> all() { return {holders_.data(), count_}; }

  void add(const FormerHolder& holder) {
    if (count_ == kMost) {
      if (holder.end < holders_.front().end) return;
      std::move(holders_.begin() + 1, holders_.end(), holders_.begin());
      --count_;
    }
    std::size_t place = count_++;
    for (; place > 0 && holder.end < holders_[place - 1].end; --place) holders_[place] = holders_[place - 1];
    holders_[place] = holder;
  }

 private:
  std::array<FormerHolder, kMost> holders_{};
  std::size_t count_ = 0;
};

/// One number of a pool with all that memory knows of it.
struct Slot {
  Number number;
  SlotState state = SlotState::kFree;
  bool draining = false;       ///< goes out of use when free
  bool sticky = false;         ///< the reservation is of a former holder or of the holder's visitor
  bool ever_lent = false;      ///< record() is a lease, live or ended
  bool end_untold = false;     ///< the lease ended by time and `advance` has not said so yet
  bool in_end_queue = false;   ///< linked in the queue of untold ends
  std::uint8_t side = 0;       ///< which of `records` is record()
  std::uint32_t next_end = 0;  ///< link of the queue of untold ends
  Time idle_since = kNever;    ///< place in the hold and in the free order; kNever: never lent
  std::array<Record, 2> records;
  FormerHolders formers;

  Record& record() { return records[side]; }
  const Record& record() const { return records[side]; }
  Record& pending() { return records[side ^ 1U]; }
  const Record& pending() const { return records[side ^ 1U]; }
};

}  // namespace ringtrace::pool
