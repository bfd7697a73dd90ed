#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "pool/number.h"
#include "pool/time.h"
#include "pool/visit.h"

namespace ringtrace::pool {

/// How a dialed number was resolved, from sure to unsure.
enum class ResolutionMethod : std::uint8_t {
  kActiveLease,      ///< a visit holds the number now
  kReturningCaller,  ///< a known caller who is not the present holder: the caller's own earlier visit
  kHold,             ///< the lease ended, the number has not been lent since
  kHolderLog,        ///< lent since: candidates weighted by the time since each was shown the number
  kStaticSource,     ///< a static number, or the fallback number of one source
  kFallback,         ///< the pool's fallback number
  kNone,             ///< never lent, too long ago, or of no pool
};

/// How many methods there are, for tables of counters.
inline constexpr std::size_t kResolutionMethods = 7;

/// The method in the words of the interface, such as "ACTIVE_LEASE".
const char* to_string(ResolutionMethod method);

/// One visit that was shown the dialed number.
struct Candidate {
  VisitId visit;
  Source source;
  Time shown;         ///< when the number was first lent to the visit
  Time end;           ///< when the lease ended, or will if nothing renews it
  double weight = 0;  ///< the probability that this visit made the call
};

/// What is asked: who called `dialed` at `at`?
struct ResolveQuery {
  Number dialed;
  Number caller;  ///< no number when withheld
  Time at;
};

/// A holder whose lease ended longer ago than this is no candidate: the reach of the lag.
inline constexpr Duration kLongestLag = std::chrono::hours(24 * 30);

/// The most candidates a resolution made in memory lists; the store's holder log knows all of them.
inline constexpr std::size_t kMaxCandidates = 8;

static_assert(std::is_trivially_copyable_v<Candidate>);

/// The answer. Fixed size: making one never allocates.
struct Resolution {
  Resolution() {}  // user-provided: nothing of the candidates' room is written before they are

  ResolutionMethod method = ResolutionMethod::kNone;
  PoolName pool;           ///< the pool of the dialed number; empty when it belongs to none
  VisitId visit;           ///< the most likely visit; empty when only a source is known, or nothing
  Source source;           ///< the source the call is credited to; empty when unknown
  double confidence = 0;   ///< 0..1, that the answer is right
  double none_weight = 1;  ///< 0..1, that the caller is none of the candidates
  std::size_t candidate_count = 0;
  union {
    std::array<Candidate, kMaxCandidates> candidate_storage;  ///< the first `candidate_count` are there
  };

  /// Most likely first; their weights and none_weight add up to 1.
  std::span<const Candidate> candidates() const { return {candidate_storage.data(), candidate_count}; }
};

}  // namespace ringtrace::pool
