#include "pool/lag_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "pool/text_words.h"

namespace ringtrace::pool {
namespace {

constexpr std::uint64_t kEnd = 30ULL * 24 * 3600 * 1000;  // in milliseconds
constexpr std::uint32_t kLeastOrder = 6;
constexpr std::uint32_t kGreatestOrder = 10;

/// The lag of a value of the table: the inverse of place_of.
std::uint64_t lag_of(std::size_t place, std::uint32_t order) {
  const std::size_t shift = place >> order;
  if (shift <= 1) return place;
  return static_cast<std::uint64_t>(place - ((shift - 1) << order)) << (shift - 1);
}

/// The configured labels are our own: a key keeps nobody out.
std::uint64_t hash_of(const Source& source) { return placing_hash(SipKey{1, 3}, source.view()); }

Duration lag(std::uint64_t milliseconds) { return Duration(static_cast<Duration::rep>(milliseconds)); }

}  // namespace

LagWeights::LagWeights(const AttributionParameters& parameters) : parameters_(parameters) {
  for (std::uint32_t order = kLeastOrder; order <= kGreatestOrder && table_.empty(); ++order) {
    make_table(order);
    if (!is_close()) table_.clear();
  }
  table_.shrink_to_fit();
  if (!table_.empty()) table_end_ = kEnd + 1;
  index_sources();
}

void LagWeights::make_table(std::uint32_t order) {
  order_ = order;
  table_.resize(place_of(kEnd, order).place + 2);
  for (std::size_t i = 0; i < table_.size(); ++i) table_[i] = lag_density(parameters_, lag(lag_of(i, order)));
}

/// Looks at each line where it is farthest from a curve: at its middle, and at its quarters.
bool LagWeights::is_close() const {
  for (std::size_t i = std::size_t{1} << order_; i + 1 < table_.size(); ++i) {
    const std::uint64_t from = lag_of(i, order_);
    const std::uint64_t length = lag_of(i + 1, order_) - from;
    for (const std::uint64_t quarter : {1U, 2U, 3U}) {
      const std::uint64_t at = from + length * quarter / 4;
      const double exact = lag_density(parameters_, lag(at));
      if (exact >= kLeastDensity && std::abs(line(at) - exact) > kTolerance * exact) return false;
    }
  }
  return true;
}

void LagWeights::index_sources() {
  const auto& known = parameters_.propensities;
  if (known.empty()) return;
  sources_.resize(std::bit_ceil(2 * known.size()));
  for (std::size_t i = 0; i < known.size(); ++i) {
    const std::uint64_t hash = hash_of(known[i].source);
    std::size_t cell = hash & (sources_.size() - 1);
    while (sources_[cell].place != 0) cell = (cell + 1) & (sources_.size() - 1);
    sources_[cell] = {hash, static_cast<std::uint32_t>(i + 1)};
  }
}

double LagWeights::listed_propensity(const Source& source) const {
  const std::uint64_t hash = hash_of(source);
  for (std::size_t cell = hash & (sources_.size() - 1); sources_[cell].place != 0;
       cell = (cell + 1) & (sources_.size() - 1)) {
    if (sources_[cell].hash != hash) continue;
    const auto& known = parameters_.propensities[sources_[cell].place - 1];
    if (known.source == source) return known.calls_per_shown;
  }
  return parameters_.default_propensity;
}

double LagWeights::weigh(Time at, std::span<Candidate> candidates) const {
  for (Candidate& candidate : candidates) {
    candidate.weight = propensity(candidate.source) * density(at - candidate.shown);
  }
  return share_out(parameters_.none_rate, candidates);
}

std::size_t LagWeights::memory_bytes() const {
  return sizeof(*this) + table_.capacity() * sizeof(double) + sources_.capacity() * sizeof(KnownSource) +
         parameters_.propensities.capacity() * sizeof(AttributionParameters::Propensity);
}

}  // namespace ringtrace::pool
