#pragma once
#include "pool/attribution.h"
#include "pool/resolution.h"
namespace ringtrace::pool {
struct LagWeights {
  explicit LagWeights(const AttributionParameters& p) : p_(p) {}
  double weigh(Time at, std::span<Candidate> c) const { return pool::weigh(p_, at, c); }
  AttributionParameters p_;
};
}  // namespace ringtrace::pool
