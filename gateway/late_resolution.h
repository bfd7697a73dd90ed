#pragma once

#include <ringtrace/v1/resolution.pb.h>

#include <optional>
#include <vector>

#include "pool/config.h"
#include "pool/time.h"
#include "redis/holder_log.h"

namespace ringtrace::gateway {

/// The number was no number of a pool that is lent: its holders say nothing about who calls.
bool is_complete(v1::ResolutionMethod first);

/// A call's resolution, completed: `first` is what memory knew when the call was routed, `holders` who was
/// shown the number by the store's holder log. Every visit of either is a candidate, weighed anew; the method
/// and the answer follow as in pool/resolve.h. A returning caller's answer stays what it was, and only its
/// list of candidates grows.
///
/// None when nothing is better: there is no other candidate and the answer is the same, or is_complete().
std::optional<v1::Resolution> complete_resolution(const v1::Resolution& first,
                                                  const std::vector<redis::Holder>& holders,
                                                  const pool::PoolConfig& config, pool::Time at);

}  // namespace ringtrace::gateway
