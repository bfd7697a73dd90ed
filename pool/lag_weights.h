#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pool/attribution.h"
#include "pool/resolution.h"
#include "pool/time.h"
#include "pool/visit.h"

namespace ringtrace::pool {

/// The weights of pool::weigh (attribution.h has the formula), prepared so that one candidate costs a few
/// nanoseconds: the density of the lag is read from a table, the propensity of a source found by its hash.
///
/// The table has a value for each millisecond at first, and from 2^order ms on 2^order values for each
/// doubling of the lag, up to 30 days; between two values it is a straight line. The order is the least of 6
/// to 10 with which the line is within kTolerance of lag_density wherever that is above kLeastDensity; should
/// none be (a sigma of a few hundredths), densities are computed and not looked up. Lags below 0, 0 and
/// beyond 30 days have the value of lag_density itself.
///
/// Immutable after construction; any threads may use one at once. 13 to 190 kB.
class LagWeights {
 public:
  /// The greatest relative error of density().
  static constexpr double kTolerance = 1e-3;
  /// Per second. A number whose every visit calls is called at this rate once in 30,000 years; errors below
  /// weigh nothing.
  static constexpr double kLeastDensity = 1e-12;

  explicit LagWeights(const AttributionParameters& parameters);

  /// As pool::weigh: fills the weights of `candidates` for a call at `at`, orders them most likely first
  /// (ties: shown last first), and returns the weight left for "none of them". All add up to 1.
  double weigh(Time at, std::span<Candidate> candidates) const;

  /// The density of the lag, per second; 0 for a negative one.
  double density(Duration lag) const;

  /// Calls per number shown of the source.
  double propensity(const Source& source) const;

  /// Whether densities come from the table.
  bool has_table() const { return !table_.empty(); }

  std::size_t memory_bytes() const;

 private:
  struct KnownSource {
    std::uint64_t hash = 0;
    std::uint32_t place = 0;  // 1 + place in parameters_.propensities; 0: an empty cell
  };

  double line(std::uint64_t milliseconds) const;
  double listed_propensity(const Source& source) const;
  void make_table(std::uint32_t order);
  bool is_close() const;
  void index_sources();

  AttributionParameters parameters_;
  std::uint32_t order_ = 0;
  std::vector<double> table_;
  std::vector<KnownSource> sources_;  // open addressing; a power of two of cells, or none
};

}  // namespace ringtrace::pool
