#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "pool/resolution.h"
#include "pool/tagged_table.h"
#include "pool/time.h"

namespace ringtrace::pool {

/// What is known of a caller: the visit whose number was called, and how sure that was.
struct KnownCaller {
  std::uint64_t caller = 0;   ///< keyed hash of pool and caller
  std::uint64_t visitor = 0;  ///< keyed hash of the visit's visitor; 0 when unknown
  Candidate visit;            ///< `weight`: the confidence when it was learnt
  Time seen = kNever;         ///< the last call
};

/// The callers of the latest calls, about as many as fixed at start; of those whose hashes fall together the
/// one that has not called for the longest time makes room. Lock-free: what TaggedTable says of progress and
/// limits holds here.
template <template <class> class Atom = std::atomic>
class KnownCallers {
 public:
  explicit KnownCallers(std::size_t callers) : table_(callers) {}

  /// False when `find` would find nothing of any caller in that place (the upper 24 bits of `caller`); all
  /// that most calls need of this table.
  bool may_know(std::uint32_t place) const { return table_.may_know(place); }

  /// The caller; none when unknown.
  std::optional<KnownCaller> find(std::uint64_t caller) const {
    Learnt learnt;
    const auto stamp = table_.find(key_of(caller), learnt);
    if (!stamp) return std::nullopt;
    return KnownCaller{caller, learnt.visitor, learnt.visit, seen_in(*stamp)};
  }

  /// Notes or replaces what is known of `known.caller`; false when other threads were in the way and nothing
  /// was noted.
  bool put(const KnownCaller& known) {
    return table_.put(key_of(known.caller), Learnt{known.visitor, known.visit}, stamp_of(known.seen));
  }

  /// Forgets the caller.
  void forget(std::uint64_t caller) { table_.remove(key_of(caller)); }

  std::size_t memory_bytes() const { return table_.memory_bytes(); }

 private:
  struct Learnt {
    std::uint64_t visitor = 0;
    Candidate visit;
  };

  /// The table's keys are never 0; a hash is, once in 2^64.
  static std::uint64_t key_of(std::uint64_t caller) { return caller == 0 ? 1 : caller; }

  /// Times in their order as unsigned stamps.
  static constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  static std::uint64_t stamp_of(Time time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count()) ^ kSign;
  }
  static Time seen_in(std::uint64_t stamp) {
    return Time(Duration(static_cast<Duration::rep>(stamp ^ kSign)));
  }

  TaggedTable<Learnt, Atom> table_;
};

}  // namespace ringtrace::pool
