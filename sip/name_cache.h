#pragma once

#include <map>
#include <set>
#include <vector>

#include "sip/config.h"
#include "sip/place.h"
#include "sip/timer_queue.h"

namespace ringtrace::sip {

/// What DNS said of one target.
struct NameAnswer {
  std::vector<Place> places;  ///< best first; empty: the name could not be resolved
  std::chrono::seconds ttl{0};
};

/// Where the configuration's names lead to. Asks nobody itself: says which names are to be asked for, and is
/// told the answers. What was known last stays true while DNS fails, and what an earlier process knew
/// until DNS answers. SIP thread only; bounded by the configuration.
class NameCache {
 public:
  static constexpr std::chrono::seconds kShortest{5};  ///< between two questions for one name
  static constexpr std::chrono::seconds kPatience{30};
  static constexpr std::size_t kMaximumPlaces = 16;  ///< of one name

  /// From now on these names; of those that stay what is known is kept, of new ones what is `remembered` of
  /// them holds until DNS answers.
  void watch(const std::set<Target>& names, std::chrono::milliseconds longest,
             const std::map<Target, std::vector<Place>>& remembered, SteadyTime now);
  /// Those due to be asked. An answer that never comes is asked for again after kPatience.
  std::vector<Target> due(SteadyTime now);
  /// Asks for all of them soon: there is somebody else to ask.
  void ask_again(SteadyTime now);
  /// True when the name leads elsewhere than before.
  bool told(const Target& name, NameAnswer answer, SteadyTime now);

  const std::map<Target, std::vector<Place>>& places() const { return places_; }
  std::uint64_t failures() const { return failures_; }  ///< questions without a usable answer

 private:
  std::chrono::milliseconds longest_{0};
  std::map<Target, SteadyTime> next_;  ///< when each name is to be asked for
  std::map<Target, std::vector<Place>> places_;
  std::uint64_t failures_ = 0;
};

}  // namespace ringtrace::sip
