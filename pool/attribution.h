#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pool/resolution.h"
#include "pool/time.h"
#include "pool/visit.h"

namespace ringtrace::pool {

/// The parameters of the weights, with defaults for a site nobody has measured yet.
///
/// A call at time t to a number once shown to visits i (shown at t_i, source s_i) is credited by
///
///     w_i  proportional to  p(s_i) * f(t - t_i),      and     w_0  to  none_rate
///
/// where p(s) is the propensity of the source: calls per number shown; f the density, per second, of the lag
/// from showing to calling; and none_rate the rate, per second, of calls to a number from nobody it was shown
/// to (a saved number, a wrong dial). Weights are divided by their sum. The field's "last holder" is the
/// special case that is wrong for a fifth to a third of calls; see the README, "How sure is it".
///
/// f is a mixture: an exponential (the visitor calls from the page), a lognormal around half an hour and a
/// lognormal around a day. All densities are over the lag in seconds.
struct AttributionParameters {
  /// Propensity of a source not listed in `propensities`, 0..1.
  double default_propensity = 0.03;

  /// Propensity by source, 0..1.
  struct Propensity {
    Source source;
    double calls_per_shown = 0;
  };
  std::vector<Propensity> propensities;

  /// Shares of the three parts of f; they add up to 1.
  double prompt_share = 0.60;
  double later_share = 0.25;
  double day_share = 0.15;

  Duration prompt_mean = std::chrono::minutes(3);    ///< mean of the exponential
  Duration later_median = std::chrono::minutes(30);  ///< median of the first lognormal
  double later_sigma = 0.8;                          ///< its sigma, in log seconds
  Duration day_median = std::chrono::hours(24);      ///< median of the second lognormal
  double day_sigma = 0.8;                            ///< its sigma, in log seconds

  /// Calls per second to one number from nobody it was shown to: one in ten days.
  double none_rate = 1.0 / (10 * 86400.0);
};

/// The density of the lag, per second, at `lag`; 0 for a negative one.
double lag_density(const AttributionParameters& parameters, Duration lag);

/// Fills the weights of `candidates` for a call at `at`, orders them most likely first (ties: shown last
/// first), and returns the weight left for "none of them". Weights and the returned value add up to 1; with
/// no candidate it is 1.
double weigh(const AttributionParameters& parameters, Time at, std::span<Candidate> candidates);

/// The last step of weigh: makes the candidates' weights w_i and `none_rate` parts of their sum, orders the
/// candidates, and returns the part of `none_rate`.
double share_out(double none_rate, std::span<Candidate> candidates);

}  // namespace ringtrace::pool
