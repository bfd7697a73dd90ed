#pragma once

#include <ringtrace/v1/call.pb.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "pool/number_pools.h"
#include "redis/holder_log.h"
#include "sip/call_sink.h"

namespace ringtrace::gateway {

/// Figures of the late attribution; those that count only grow.
struct LateAttributionStats {
  std::uint64_t waiting = 0;    ///< calls whose answer has not come yet
  std::uint64_t updated = 0;    ///< calls told a better answer
  std::uint64_t confirmed = 0;  ///< calls that were asked about and keep their first answer
  std::uint64_t dropped = 0;    ///< calls that keep their first answer: too much waited
};

/// Asks the holder log, after a call has been routed, who else was shown its number, and tells a better
/// answer with an event of type ATTRIBUTION_UPDATED. The call's later events carry that answer, too.
///
/// Once for each call, at its first event, unless is_complete() (gateway/late_resolution.h); while the store
/// is away, or the log has no room for the answer, the call waits, and is asked about again. At most kMost
/// calls are remembered, each until it has ended and was asked about; beyond that a call keeps its first
/// answer and is counted. Every member may be called from any thread.
class LateAttribution {
 public:
  static constexpr std::size_t kMost = 100'000;

  /// Questions on their way to the store at one time.
  static constexpr std::size_t kMostAsked = 256;

  /// Asks the store who was shown a number of a pool; calls back once.
  using Ask = std::function<void(const std::string& pool, pool::Number dialed, pool::Time at,
                                 redis::HolderLog::Done done)>;

  /// Takes the event; false when there is no room for it now.
  using Tell = std::function<bool(const v1::CallEvent&)>;

  using Now = std::function<pool::Time()>;

  /// `pools` outlives it.
  LateAttribution(const pool::NumberPools& pools, Ask ask, Tell tell, Now now)
      : pools_(pools), ask_(std::move(ask)), tell_(std::move(tell)), now_(std::move(now)) {}

  /// Sees an event of a call, serialized, on its way to the log. The event to tell in its place when there is
  /// a better answer; nothing when it goes on as it is.
  std::optional<std::string> pass(std::string_view event);

  /// Asks about those that wait; a few times a second while the store is there. Goes on by itself as answers
  /// come.
  void ask();

  LateAttributionStats stats() const;

 private:
  struct Known {
    std::string latest;  ///< its latest event, until it is settled
    std::optional<v1::Resolution> better;
    bool settled = false;
    bool ended = false;
  };

  bool is_asked_about(std::string_view resolution) const;
  void answered(const std::string& call_id, redis::HolderPage page);
  std::optional<v1::CallEvent> update_for(const v1::CallEvent& latest, const redis::HolderPage& page) const;
  bool settle(const std::string& call_id, const std::optional<v1::CallEvent>& update, bool told);

  const pool::NumberPools& pools_;
  const Ask ask_;
  const Tell tell_;
  const Now now_;

  mutable std::mutex mutex_;  // for everything below; held across no call out
  std::unordered_map<std::string, Known> calls_;
  std::deque<std::string> to_ask_;  // in the order the calls came
  std::size_t asked_ = 0;
  LateAttributionStats stats_;
};

}  // namespace ringtrace::gateway
