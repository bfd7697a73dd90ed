#include "gateway/metrics.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "gateway/pool_metrics.h"
#include "pool/number_pools.h"

namespace ringtrace::gateway {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

/// A small reader of the text exposition format: families in order, each with its type and samples.
struct Exposition {
  std::map<std::string, std::string> types;
  std::map<std::string, double> samples;  ///< by name and labels, as written
  std::vector<std::string> problems;

  explicit Exposition(const std::string& text) {
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) read(line);
  }

  void read(const std::string& line) {
    if (line.starts_with("# HELP ")) return;
    if (line.starts_with("# TYPE ")) {
      std::istringstream words(line.substr(7));
      std::string name;
      std::string type;
      words >> name >> type;
      if (!types.emplace(name, type).second) problems.push_back("twice: " + name);
      return;
    }
    const std::size_t space = line.rfind(' ');
    const std::string key = line.substr(0, space);
    const std::string name = key.substr(0, key.find('{'));
    if (space == std::string::npos || !is_name(name)) problems.push_back("no sample: " + line);
    if (!samples.emplace(key, std::stod(line.substr(space + 1))).second) problems.push_back("twice: " + key);
    if (!types.contains(family(name))) problems.push_back("no family: " + line);
  }

  std::string family(const std::string& name) const {
    for (const char* suffix : {"_bucket", "_count", "_sum"}) {
      if (name.ends_with(suffix) &&
          types.contains(name.substr(0, name.size() - std::string(suffix).size()))) {
        return name.substr(0, name.size() - std::string(suffix).size());
      }
    }
    return name;
  }
};

}  // namespace

TEST_CASE("every metric has one name, with the prefix and the suffix of its kind, and a sentence") {
  std::set<std::string_view> names;
  for (const MetricSpec& spec : metric_table()) {
    INFO(spec.name);
    CHECK(names.insert(spec.name).second);
    CHECK(is_name(spec.name));
    CHECK(spec.name.starts_with("ringtrace_"));
    CHECK(spec.name.ends_with("_total") == (spec.kind == MetricKind::kCounter));
    CHECK(spec.help.ends_with('.'));
  }
}

TEST_CASE("samples of several sources come out as one family each, readable by anyone") {
  Metrics metrics;
  for (const char* pool : {"main", "re\"gion\n"}) {
    metrics.add_source([pool](Samples& samples) {
      samples.add(Metric::kPoolNumbers, {{"pool", pool}, {"state", "leased"}}, 3.0);
      samples.add(Metric::kPoolNumbers, {{"pool", pool}, {"state", "free"}}, 7.0);
      samples.add(Metric::kPoolRenewals, {{"pool", pool}}, std::uint64_t{12});
    });
  }
  const std::string text = metrics.text();
  const Exposition read(text);
  INFO(text);
  CHECK(read.problems.empty());
  CHECK(read.types.size() == 2);
  CHECK(read.types.at("ringtrace_lease_renewals_total") == "counter");
  CHECK(read.samples.at(R"(ringtrace_pool_numbers{pool="main",state="leased"})") == 3.0);
  CHECK(read.samples.at(R"(ringtrace_lease_renewals_total{pool="re\"gion\n"})") == 12.0);
}

TEST_CASE("a histogram is cumulative and ends in infinity") {
  Metrics metrics;
  metrics.add_source([](Samples& samples) {
    const std::array<double, 2> bounds = {1.0, 5.0};
    const std::array<std::uint64_t, 3> counts = {4, 2, 1};
    samples.add_histogram(Metric::kPoolIdle, {{"pool", "main"}}, bounds, counts, 30.0);
  });
  const Exposition read(metrics.text());
  CHECK(read.problems.empty());
  CHECK(read.samples.at(R"(ringtrace_pool_idle_seconds_bucket{pool="main",le="1"})") == 4.0);
  CHECK(read.samples.at(R"(ringtrace_pool_idle_seconds_bucket{pool="main",le="5"})") == 6.0);
  CHECK(read.samples.at(R"(ringtrace_pool_idle_seconds_bucket{pool="main",le="+Inf"})") == 7.0);
  CHECK(read.samples.at(R"(ringtrace_pool_idle_seconds_count{pool="main"})") == 7.0);
  CHECK(read.samples.at(R"(ringtrace_pool_idle_seconds_sum{pool="main"})") == 30.0);
}

TEST_CASE("the metrics tell what pools have counted: numbers shown by source, states, ways of resolving") {
  const auto number = [](std::uint64_t last) { return *pool::Number::from_digits(74950000000ULL + last); };
  pool::PoolConfig config;
  config.name = pool::PoolName::cut("main");
  config.numbers = {number(0), number(1), number(2)};
  config.fallback = number(9);
  pool::PoolsConfig all;
  all.pools = {config};
  const auto pools = std::get<std::unique_ptr<pool::NumberPools>>(pool::NumberPools::create(all));
  const pool::Time now(std::chrono::hours(24 * 365 * 50));
  const auto lend = [&](const char* visit, const char* source) {
    const auto made = pools->reserve({}, {visit, "", source, ""}, std::chrono::minutes(1),
                                     pool::AdmissionClass::kNormal, now);
    pools->commit(made.ticket, true, now);
  };
  lend("a", "mail");
  lend("b", "google/cpc");
  lend("c", "mail");
  lend("d", "mail");  // who is shown the fallback number is none of those a number was lent to
  const pool::ResolveQuery query{number(0), {}, now};
  pools->observe_call(query, pools->resolve(query));

  Metrics metrics;
  metrics.add_source([&](Samples& samples) { add_pool_samples(*pools, now, samples); });
  const Exposition read(metrics.text());
  CHECK(read.problems.empty());
  CHECK(read.samples.at(R"(ringtrace_pool_shown_total{pool="main",source="mail"})") == 2.0);
  CHECK(read.samples.at(R"(ringtrace_pool_shown_total{pool="main",source="google/cpc"})") == 1.0);
  CHECK(read.samples.at(R"(ringtrace_pool_numbers{pool="main",state="leased"})") == 3.0);
  CHECK(read.samples.at(R"(ringtrace_pool_numbers{pool="main",state="free"})") == 0.0);
  CHECK(read.samples.at(R"(ringtrace_leases_exhausted_total{pool="main"})") == 1.0);
  CHECK(read.samples.at(R"(ringtrace_call_resolutions_total{method="ACTIVE_LEASE"})") == 1.0);
  CHECK(read.samples.at(R"(ringtrace_call_resolutions_total{method="HOLD"})") == 0.0);
  CHECK(read.samples.at("ringtrace_pool_memory_bytes") == static_cast<double>(pools->memory_bytes()));
}

TEST_CASE("metrics without samples are left out") {
  const Metrics metrics;
  CHECK(metrics.text().empty());
}

}  // namespace ringtrace::gateway
