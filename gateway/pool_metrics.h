#pragma once

#include "gateway/metrics.h"
#include "pool/leasing.h"
#include "pool/number_pools.h"
#include "pool/time.h"

namespace ringtrace::gateway {

/// The most sources of one pool that /metrics shows; a scrape stays bounded whatever websites send.
inline constexpr std::size_t kMaxShownSources = 100;

/// Adds what the pools have to tell at `now`.
void add_pool_samples(const pool::NumberPools& pools, pool::Time now, Samples& samples);

/// Adds what has happened between the pools and the store.
void add_leasing_samples(const pool::LeasingTotals& totals, Samples& samples);

}  // namespace ringtrace::gateway
