#include "pool/attribution.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ringtrace::pool {
namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

double lognormal_density(double x, double median, double sigma) {
  if (x <= 0) return 0;
  const double z = std::log(x / median) / sigma;
  return std::exp(-0.5 * z * z) / (x * sigma * std::sqrt(2 * std::numbers::pi));
}

double propensity(const AttributionParameters& parameters, const Source& source) {
  for (const auto& known : parameters.propensities) {
    if (known.source == source) return known.calls_per_shown;
  }
  return parameters.default_propensity;
}

}  // namespace

double lag_density(const AttributionParameters& parameters, Duration lag) {
  if (lag < Duration::zero()) return 0;
  const double x = seconds(lag);
  const double mean = seconds(parameters.prompt_mean);
  return parameters.prompt_share * std::exp(-x / mean) / mean +
         parameters.later_share *
             lognormal_density(x, seconds(parameters.later_median), parameters.later_sigma) +
         parameters.day_share * lognormal_density(x, seconds(parameters.day_median), parameters.day_sigma);
}

double weigh(const AttributionParameters& parameters, Time at, std::span<Candidate> candidates) {
  for (Candidate& candidate : candidates) {
    candidate.weight =
        propensity(parameters, candidate.source) * lag_density(parameters, at - candidate.shown);
  }
  return share_out(parameters.none_rate, candidates);
}

double share_out(double none_rate, std::span<Candidate> candidates) {
  double sum = none_rate;
  for (const Candidate& candidate : candidates) sum += candidate.weight;
  const bool any = sum > 0;
  for (Candidate& candidate : candidates) candidate.weight = any ? candidate.weight / sum : 0;
  const auto is_likelier = [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.shown > b.shown;
  };
  // Candidates come last holder first, mostly the right order already; sorting moves 224 bytes a step.
  if (!std::is_sorted(candidates.begin(), candidates.end(), is_likelier)) {
    std::sort(candidates.begin(), candidates.end(), is_likelier);
  }
  return any ? none_rate / sum : 1;
}

}  // namespace ringtrace::pool
