#include "gateway/metrics.h"

#include <prometheus/text_serializer.h>

#include <sstream>

#include "pool/assert.h"

namespace ringtrace::gateway {
namespace {

prometheus::MetricType type_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return prometheus::MetricType::Counter;
    case MetricKind::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricKind::kHistogram:
      break;
  }
  return prometheus::MetricType::Histogram;
}

std::size_t index_of(Metric metric) { return static_cast<std::size_t>(metric); }

}  // namespace

Samples::Samples() {
  for (const MetricSpec& spec : metric_table()) {
    prometheus::MetricFamily family;
    family.name = std::string(spec.name);
    family.help = std::string(spec.help);
    family.type = type_of(spec.kind);
    families_.push_back(std::move(family));
  }
}

void Samples::add(Metric metric, std::initializer_list<Label> labels, double value) {
  prometheus::ClientMetric& added = sample(metric, labels);
  if (families_[index_of(metric)].type == prometheus::MetricType::Counter) {
    added.counter.value = value;
  } else {
    added.gauge.value = value;
  }
}

void Samples::add_histogram(Metric metric, std::initializer_list<Label> labels,
                            std::span<const double> bounds, std::span<const std::uint64_t> counts,
                            double sum) {
  RINGTRACE_ASSERT(counts.size() == bounds.size() + 1);
  prometheus::ClientMetric::Histogram& histogram = sample(metric, labels).histogram;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    histogram.sample_count += counts[i];
    if (i < bounds.size()) histogram.bucket.push_back({histogram.sample_count, bounds[i]});
  }
  histogram.sample_sum = sum;
}

std::vector<prometheus::MetricFamily> Samples::take() {
  std::vector<prometheus::MetricFamily> result;
  for (prometheus::MetricFamily& family : families_) {
    if (!family.metric.empty()) result.push_back(std::move(family));
  }
  families_.clear();
  return result;
}

prometheus::ClientMetric& Samples::sample(Metric metric, std::initializer_list<Label> labels) {
  prometheus::MetricFamily& family = families_[index_of(metric)];
  prometheus::ClientMetric& added = family.metric.emplace_back();
  for (const Label& label : labels)
    added.label.push_back({std::string(label.first), std::string(label.second)});
  return added;
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  Samples samples;
  for (const Source& source : sources_) source(samples);
  return samples.take();
}

std::string Metrics::text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, Collect());
  return out.str();
}

}  // namespace ringtrace::gateway
