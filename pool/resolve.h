#pragma once

#include <cstdint>

#include "pool/caller_table.h"
#include "pool/config.h"
#include "pool/resolution.h"
#include "pool/slot.h"

namespace ringtrace::pool {

/// A holder whose lease ended longer ago than this is no candidate: the reach of the lag.
inline constexpr Duration kLongestLag = std::chrono::hours(24 * 30);

/// Fills method, visit, source, confidence and candidates of a call at `at` to a lent number, as of `at`: a
/// lease past its expiry is in its hold whether or not anybody has noticed.
///
/// ACTIVE_LEASE and HOLD within the pool's hold answer with the last holder; after the hold the heaviest
/// candidate answers, as HOLD when it is the last holder and as HOLDER_LOG when not. The confidence is the
/// weight of the answer. `known`, when given, is the caller's own earlier visit: unless the present (or just
/// ended) lease is that visit's, or another visit's of the same visitor (`visitor`: keyed hash of the
/// record's visitor, 0 when unknown), the answer is that visit.
void resolve_lent(const Slot& slot, const PoolConfig& config, const KnownCaller* known, std::uint64_t visitor,
                  Time at, Resolution& answer);

}  // namespace ringtrace::pool
