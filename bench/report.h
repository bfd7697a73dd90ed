#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrace::bench {

/// What a ratio (ours/peer) is held against.
struct Target {
  enum class Kind : std::uint8_t { kNone, kAtMost, kAtLeast };
  Kind kind = Kind::kNone;
  double bound = 0;

  static Target at_most(double bound) { return {Kind::kAtMost, bound}; }
  static Target at_least(double bound) { return {Kind::kAtLeast, bound}; }

  std::string text() const {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%s %g", kind == Kind::kAtMost ? "<=" : ">=", bound);
    return kind == Kind::kNone ? "none" : buffer;
  }
  bool met(double ratio) const {
    return kind == Kind::kNone || (kind == Kind::kAtMost ? ratio <= bound : ratio >= bound);
  }
};

/// One measured comparison.
struct Row {
  std::string bench, what, unit;
  double ours = 0;
  double peer = 0;
  std::string peer_name;
  double ratio = 0;
  Target target;
  std::optional<bool> ok;  ///< none: the rounds' middle half lies on both sides of the target
};

inline double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

/// Measures both sides by turns, so that a slow minute of the machine slows both, and compares the medians.
/// `ours` and `peer` return one figure in the row's unit; the ratio is the median of the rounds' ratios.
inline Row compare(Row row, int rounds, const std::function<double()>& ours,
                   const std::function<double()>& peer) {
  std::fprintf(stderr, "bench: %s, beside %s\n", row.what.c_str(), row.peer_name.c_str());
  std::vector<double> our_figures, peer_figures, ratios;
  ours();
  peer();
  for (int round = 0; round < rounds; ++round) {
    const bool ours_first = round % 2 == 0;
    const double first = ours_first ? ours() : peer();
    const double second = ours_first ? peer() : ours();
    our_figures.push_back(ours_first ? first : second);
    peer_figures.push_back(ours_first ? second : first);
    ratios.push_back(our_figures.back() / peer_figures.back());
  }
  row.ours = quantile(our_figures, 0.5);
  row.peer = quantile(peer_figures, 0.5);
  row.ratio = quantile(ratios, 0.5);
  const bool low = row.target.met(quantile(ratios, 0.25));
  const bool high = row.target.met(quantile(ratios, 0.75));
  if (low == high) row.ok = low;
  return row;
}

/// Nanoseconds an operation, of `operations` calls of `body`.
template <typename Body>
double nanoseconds_each(std::uint64_t operations, Body body) {
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < operations; ++i) body(i);
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
  return taken.count() / static_cast<double>(operations);
}

/// Writes the rows as a JSON array; false when that fails. Texts hold no quotes.
inline bool write_json(std::ostream& out, const std::vector<Row>& rows) {
  out << "[";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    out << (i == 0 ? "\n" : ",\n") << R"( {"bench": ")" << row.bench << R"(", "what": ")" << row.what
        << R"(", "unit": ")" << row.unit << R"(", "ours": )" << row.ours << R"(, "peer": )" << row.peer
        << R"(, "peer_name": ")" << row.peer_name << R"(", "ratio": )" << row.ratio << R"(, "target": ")"
        << row.target.text() << R"(", "ok": )" << (!row.ok ? "null" : (*row.ok ? "true" : "false")) << "}";
  }
  out << "\n]\n";
  return static_cast<bool>(out.flush());
}

/// Writes the array to the file of `--json FILE`, to standard output when not asked; bench/run makes the
/// table of it. Returns the program's exit code.
inline int report(int argc, char** argv, const std::vector<Row>& rows) {
  if (argc == 1) return write_json(std::cout, rows) ? 0 : 1;
  if (argc == 3 && std::string_view(argv[1]) == "--json") {
    std::ofstream file(argv[2]);
    return write_json(file, rows) ? 0 : 1;
  }
  std::fprintf(stderr, "usage: %s [--json FILE]\n", argv[0]);
  return 2;
}

}  // namespace ringtrace::bench
