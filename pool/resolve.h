#pragma once

#include <cstdint>

#include "pool/known_callers.h"
#include "pool/lag_weights.h"
#include "pool/resolution.h"

namespace ringtrace::pool {

/// As resolve_lent, of what most calls meet: one holder, who is the answer's visit and source already, and a
/// caller of whom nothing is known. Within the hold and after it the only holder answers.
inline void resolve_only(const LagWeights& weights, Time at, Resolution& answer) {
  Candidate& only = answer.candidate_storage.front();
  answer.method = at < only.end ? ResolutionMethod::kActiveLease : ResolutionMethod::kHold;
  answer.none_weight = weights.weigh_only(at, only.source, only.shown, answer.confidence);
  only.weight = answer.confidence;
}

/// Weighs the holders listed in `answer.candidate_storage`, the last one first, and fills the rest of the
/// answer for a call at `at` to a lent number, as of `at`: a lease past its expiry is in its hold whether or
/// not anybody has noticed.
///
/// ACTIVE_LEASE and HOLD within `hold` answer with the last holder; after the hold the heaviest candidate
/// answers, as HOLD when it is the last holder and as HOLDER_LOG when not. The confidence is the weight of
/// the answer. `known`, when given, is the caller's own earlier visit: unless the present (or just ended)
/// lease is that visit's, or another visit's of the same visitor (`visitor`: keyed hash of the last holder's,
/// 0 when unknown), the answer is that visit.
void resolve_lent(const LagWeights& weights, Duration hold, const KnownCaller* known, std::uint64_t visitor,
                  Time at, Resolution& answer);

}  // namespace ringtrace::pool
