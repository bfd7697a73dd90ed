#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pool/number_pools.h"

namespace ringtrace::pool {

/// Counts by source, for at most kMaxSources of them; what comes beyond is counted as "(other)", so that a
/// site that makes up a source a visit cannot fill memory. Not thread-safe.
class SourceCounts {
 public:
  static constexpr std::size_t kMaxSources = 1024;

  SourceCounts() : table_(2 * kMaxSources, 0) { counts_.reserve(kMaxSources + 1); }

  void add(const Source& source) {
    std::size_t place = std::hash<std::string_view>{}(source.view()) % table_.size();
    for (; table_[place] != 0; place = (place + 1) % table_.size()) {
      ShownCount& known = counts_[table_[place] - 1U];
      if (known.source == source) {
        ++known.shown;
        return;
      }
    }
    if (counts_.size() == kMaxSources) {
      ++other_;
      return;
    }
    counts_.push_back({source, 1});
    table_[place] = static_cast<std::uint16_t>(counts_.size());
  }

  std::size_t read(std::span<ShownCount> out) const {
    std::size_t count = 0;
    for (; count < counts_.size() && count < out.size(); ++count) out[count] = counts_[count];
    if (other_ > 0 && count < out.size()) out[count++] = {Source::cut("(other)"), other_};
    return count;
  }

  std::size_t memory_bytes() const {
    return table_.size() * sizeof(table_[0]) + counts_.capacity() * sizeof(ShownCount);
  }

 private:
  std::vector<std::uint16_t> table_;  // 1 + place in counts_, 0 for none
  std::vector<ShownCount> counts_;
  std::uint64_t other_ = 0;
};

}  // namespace ringtrace::pool
