#pragma once

#include <bit>
#include <cstddef>
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

  /// As pool::weigh, of an only candidate: sets its weight, and returns that of "none of them".
  double weigh_only(Time at, const Source& source, Time shown, double& weight) const {
    const double own = propensity(source) * density(at - shown);
    const double sum = parameters_.none_rate + own;
    if (!(sum > 0)) [[unlikely]] {
      weight = 0;
      return 1;
    }
    weight = own / sum;
    return parameters_.none_rate / sum;
  }

  /// As pool::weigh: fills the weights of `candidates` for a call at `at`, orders them most likely first
  /// (ties: shown last first), and returns the weight left for "none of them". All add up to 1.
  double weigh(Time at, std::span<Candidate> candidates) const;

  /// The density of the lag, per second; 0 for a negative one.
  double density(Duration lag) const {
    // A negative lag, as an unsigned number, is beyond the end; its density is computed, and is 0.
    const auto milliseconds = static_cast<std::uint64_t>(lag.count());
    if (milliseconds >= table_end_) [[unlikely]]
      return lag_density(parameters_, lag);
    return line(milliseconds);
  }

  /// Calls per number shown of the source.
  double propensity(const Source& source) const {
    return sources_.empty() ? parameters_.default_propensity : listed_propensity(source);
  }

  /// Whether densities come from the table.
  bool has_table() const { return !table_.empty(); }

  std::size_t memory_bytes() const;

 private:
  struct KnownSource {
    std::uint64_t hash = 0;
    std::uint32_t place = 0;  // 1 + place in parameters_.propensities; 0: an empty cell
  };

  /// Where a lag lies in the table: `rest` / 2^`shift` of the way from value `place` to the next.
  struct Place {
    std::size_t place = 0;
    std::uint64_t rest = 0;
    std::uint32_t shift = 0;
  };
  static Place place_of(std::uint64_t milliseconds, std::uint32_t order) {
    const auto width = static_cast<std::uint32_t>(std::bit_width(milliseconds | (1ULL << order)));
    const std::uint32_t shift = width - 1 - order;
    const std::uint64_t value = milliseconds >> shift;
    return {static_cast<std::size_t>((std::uint64_t{shift} << order) + value),
            milliseconds - (value << shift), shift};
  }
  double line(std::uint64_t milliseconds) const {
    const Place place = place_of(milliseconds, order_);
    const double* const from = table_.data() + place.place;  // the table has a value more than the last place
    // 2^-shift, made of its exponent.
    const double width = std::bit_cast<double>((1023ULL - place.shift) << 52);
    return from[0] + (from[1] - from[0]) * (static_cast<double>(place.rest) * width);
  }
  [[gnu::noinline]] double listed_propensity(const Source& source) const;
  void make_table(std::uint32_t order);
  bool is_close() const;
  void index_sources();

  AttributionParameters parameters_;
  std::uint32_t order_ = 0;
  std::uint64_t table_end_ = 0;  // milliseconds; lags from here on are not in the table
  std::vector<double> table_;
  std::vector<KnownSource> sources_;  // open addressing; a power of two of cells, or none
};

}  // namespace ringtrace::pool
