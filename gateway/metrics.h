#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/metrics_table.h"

namespace ringtrace::gateway {

/// One label of a sample.
using Label = std::pair<std::string_view, std::string_view>;

/// The samples of one scrape.
class Samples {
 public:
  Samples();

  void add(Metric metric, std::initializer_list<Label> labels, double value);
  void add(Metric metric, std::initializer_list<Label> labels, std::uint64_t value) {
    add(metric, labels, static_cast<double>(value));
  }

  /// A histogram: `counts[i]` observations at or below `bounds[i]` and above the bound before, the last of
  /// `counts` (one longer than `bounds`) above all.
  void add_histogram(Metric metric, std::initializer_list<Label> labels, std::span<const double> bounds,
                     std::span<const std::uint64_t> counts, double sum);

  /// The families that have samples, in the order of the table.
  std::vector<prometheus::MetricFamily> take();

 private:
  prometheus::ClientMetric& sample(Metric metric, std::initializer_list<Label> labels);

  std::vector<prometheus::MetricFamily> families_;
};

/// What /metrics answers with: at each scrape every source adds its samples. Sources are added before the
/// first scrape; a scrape runs on the thread that asks and calls them one after the other.
class Metrics final : public prometheus::Collectable {
 public:
  using Source = std::function<void(Samples&)>;

  void add_source(Source source) { sources_.push_back(std::move(source)); }

  std::vector<prometheus::MetricFamily> Collect() const override;

  /// The text exposition format, version 0.0.4.
  std::string text() const;

 private:
  std::vector<Source> sources_;
};

}  // namespace ringtrace::gateway
