#pragma once

#include <map>
#include <set>
#include <vector>

#include "sip/call_id.h"
#include "sip/config.h"
#include "sip/timer_queue.h"

namespace ringtrace::sip {

/// Which places of lines are down. Asks none of them itself: says who is to be asked, and is told the
/// answers.
///
/// A line counts as up until `down_after` questions in a row went unanswered, and as down until `up_after`
/// were answered. After the first miss it is asked more often, so that both are known soon. SIP thread only.
class LineHealth {
 public:
  /// Between two questions to a line that missed the last one, unless the interval is shorter.
  static constexpr std::chrono::seconds kEager{5};

  explicit LineHealth(RandomSource random) : random_(std::move(random)) {}

  /// From now on these; those that were known already keep what is known of them.
  void watch(const std::set<Hop>& lines, const HealthConfig& config, SteadyTime now);
  /// Those to be asked now; each of them until told().
  std::vector<Hop> due(SteadyTime now);
  /// The line answered, or did not.
  void told(const Hop& line, bool answered, SteadyTime now);
  /// A call found nobody there: the line is asked at once.
  void suspect(const Hop& line, SteadyTime now);

  const std::set<Hop>& down() const { return down_; }
  bool is_watched(const Hop& line) const { return lines_.contains(line); }

 private:
  struct State {
    SteadyTime next{};
    unsigned misses = 0;   ///< in a row
    unsigned answers = 0;  ///< in a row
    bool asking = false;
  };

  HealthConfig config_;
  RandomSource random_;
  std::map<Hop, State> lines_;
  std::set<Hop> down_;
};

/// True for a response that shows a line that can take calls: anything but 503 and 504, which also an OPTIONS
/// that is not understood (405, 501) shows.
bool shows_life(int status);

}  // namespace ringtrace::sip
