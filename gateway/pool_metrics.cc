#include "gateway/pool_metrics.h"

#include <array>
#include <chrono>
#include <vector>

namespace ringtrace::gateway {
namespace {

double seconds(pool::Duration duration) { return std::chrono::duration<double>(duration).count(); }

void add_numbers(std::string_view name, const pool::PoolCounts& counts, Samples& samples) {
  samples.add(Metric::kPoolNumbers, {{"pool", name}, {"state", "leased"}}, counts.leased);
  samples.add(Metric::kPoolNumbers, {{"pool", name}, {"state", "held"}}, counts.held);
  samples.add(Metric::kPoolNumbers, {{"pool", name}, {"state", "free"}}, counts.free);
  samples.add(Metric::kPoolNumbers, {{"pool", name}, {"state", "reserved"}}, counts.reserved);
  samples.add(Metric::kPoolNumbers, {{"pool", name}, {"state", "drained"}}, counts.drained);
  samples.add(Metric::kPoolNondurable, {{"pool", name}}, counts.nondurable);
  if (counts.oldest_idle)
    samples.add(Metric::kPoolOldestIdle, {{"pool", name}}, seconds(*counts.oldest_idle));
}

void add_totals(std::string_view name, const pool::PoolTotals& totals, Samples& samples) {
  samples.add(Metric::kPoolLeases, {{"pool", name}, {"result", "leased"}}, totals.leases);
  samples.add(Metric::kPoolLeases, {{"pool", name}, {"result", "extended"}}, totals.extensions);
  samples.add(Metric::kPoolLeases, {{"pool", name}, {"result", "fallback"}}, totals.fallbacks);
  samples.add(Metric::kPoolLeases, {{"pool", name}, {"result", "refused"}}, totals.refusals);
  samples.add(Metric::kPoolLeases, {{"pool", name}, {"result", "bot"}}, totals.bots);
  samples.add(Metric::kPoolLeases, {{"pool", name}, {"result", "cancelled"}}, totals.cancellations);
  samples.add(Metric::kPoolExhausted, {{"pool", name}}, totals.fallbacks + totals.refusals);
  samples.add(Metric::kPoolRenewals, {{"pool", name}}, totals.renewals);
  samples.add(Metric::kPoolReleases, {{"pool", name}}, totals.releases);
  samples.add(Metric::kPoolExpiries, {{"pool", name}}, totals.expiries);
  samples.add(Metric::kPoolSticky, {{"pool", name}}, totals.sticky);
  samples.add(Metric::kPoolAttributesDropped, {{"pool", name}}, totals.attributes_dropped);

  std::array<double, pool::IdleHistogram::kBounds.size()> bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = seconds(pool::IdleHistogram::kBounds[i]);
  samples.add_histogram(Metric::kPoolIdle, {{"pool", name}}, bounds, totals.idle.buckets,
                        static_cast<double>(totals.idle.total_seconds));
}

}  // namespace

void add_pool_samples(const pool::NumberPools& pools, pool::Time now, Samples& samples) {
  std::vector<pool::ShownCount> shown(kMaxShownSources);
  for (std::uint32_t i = 0; i < pools.pool_count(); ++i) {
    const pool::PoolIndex index{i};
    const std::string_view name = pools.config(index).name.view();
    add_numbers(name, pools.counts(index, now), samples);
    add_totals(name, pools.totals(index), samples);
    const std::size_t sources = pools.shown(index, shown);
    for (std::size_t s = 0; s < sources; ++s) {
      samples.add(Metric::kPoolShown, {{"pool", name}, {"source", shown[s].source.view()}}, shown[s].shown);
    }
  }
  samples.add(Metric::kPoolMemory, {}, static_cast<std::uint64_t>(pools.memory_bytes()));
  const std::array<std::uint64_t, pool::kResolutionMethods> resolutions = pools.resolutions();
  for (std::size_t i = 0; i < resolutions.size(); ++i) {
    samples.add(Metric::kResolutions, {{"method", to_string(static_cast<pool::ResolutionMethod>(i))}},
                resolutions[i]);
  }
}

void add_leasing_samples(const pool::LeasingTotals& totals, Samples& samples) {
  samples.add(Metric::kLeasingAnswers, {{"result", "durable"}}, totals.durable);
  samples.add(Metric::kLeasingAnswers, {{"result", "nondurable"}}, totals.nondurable);
  samples.add(Metric::kLeasingAnswers, {{"result", "unavailable"}}, totals.unavailable);
  samples.add(Metric::kLeasingAnswers, {{"result", "busy"}}, totals.busy);
  samples.add(Metric::kLeasingConflicts, {}, totals.conflicts);
  samples.add(Metric::kLeasingReplayed, {}, totals.replayed);
  samples.add(Metric::kLeasingWaiting, {}, totals.waiting);
}

}  // namespace ringtrace::gateway
