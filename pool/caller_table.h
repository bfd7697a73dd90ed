#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pool/chain_index.h"
#include "pool/resolution.h"
#include "pool/time.h"
#include "pool/visit.h"

namespace ringtrace::pool {

/// What is known of a caller: the visit whose number was called, and how sure that was.
struct KnownCaller {
  std::uint64_t caller = 0;   ///< keyed hash of pool and caller
  std::uint64_t visitor = 0;  ///< keyed hash of the visit's visitor; 0 when unknown
  Candidate visit;            ///< `weight`: the confidence when it was learnt
  Time seen = kNever;         ///< the last call
};

/// The callers of the latest calls, at most as many as fixed at start; the one that has not called for the
/// longest time makes room. Not thread-safe.
class CallerTable {
 public:
  explicit CallerTable(std::size_t callers)
      : index_(callers), entries_(callers), newer_(callers), older_(callers) {}

  /// The caller, or nullptr when unknown.
  const KnownCaller* find(std::uint64_t caller) const {
    const std::uint32_t place = place_of(caller);
    return place == kNone ? nullptr : &entries_[place];
  }

  /// Notes or replaces what is known of `known.caller` and makes it the latest.
  void put(const KnownCaller& known) {
    if (entries_.empty()) return;
    std::uint32_t place = place_of(known.caller);
    if (place == kNone) {
      place = used_ < entries_.size() ? used_++ : oldest_;
      if (index_.contains(place)) {
        unlink(place);
        index_.erase(place);
      }
      index_.insert(place, known.caller);
    } else {
      unlink(place);
    }
    entries_[place] = known;
    append(place);
  }

  std::size_t memory_bytes() const {
    return index_.memory_bytes() + entries_.size() * (sizeof(KnownCaller) + 2 * sizeof(std::uint32_t));
  }

 private:
  static constexpr std::uint32_t kNone = ChainIndex::kNone;

  std::uint32_t place_of(std::uint64_t caller) const {
    std::uint32_t found = kNone;
    index_.for_each(caller, [&](std::uint32_t place) {
      if (entries_[place].caller == caller) found = place;
      return found == kNone;
    });
    return found;
  }

  void append(std::uint32_t place) {
    newer_[place] = kNone;
    older_[place] = latest_;
    (latest_ == kNone ? oldest_ : newer_[latest_]) = place;
    latest_ = place;
  }

  void unlink(std::uint32_t place) {
    (newer_[place] == kNone ? latest_ : older_[newer_[place]]) = older_[place];
    (older_[place] == kNone ? oldest_ : newer_[older_[place]]) = newer_[place];
  }

  ChainIndex index_;
  std::vector<KnownCaller> entries_;
  std::vector<std::uint32_t> newer_;
  std::vector<std::uint32_t> older_;
  std::uint32_t used_ = 0;
  std::uint32_t latest_ = kNone;
  std::uint32_t oldest_ = kNone;
};

}  // namespace ringtrace::pool
