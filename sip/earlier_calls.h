#pragma once

#include <ringtrace/v1/call.pb.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "sip/attribution.h"
#include "sip/branch.h"
#include "sip/call.h"
#include "sip/call_sink.h"
#include "sip/message.h"
#include "sip/routing.h"

namespace ringtrace::sip {

/// Calls whose requests were sent on by an earlier life of this process: what the answers that pass now tell
/// of them. The signed branch says whose call it is and who sent the request; the rest is read from the
/// answer, and the store puts it together with what it knows. So a call that was being set up, or ended, when
/// the process was killed still has its answer and its one end told.
///
/// Answers sent again are told once, for kMaximum calls; beyond it some are told again and the store knows
/// them. SIP thread only.
class EarlierCalls {
 public:
  static constexpr std::size_t kMaximum = 10'000;

  EarlierCalls(CallSink& sink, Attribution& attribution) : sink_(sink), attribution_(attribution) {}

  /// A response of `line` (empty: none that is configured) to a request from `trunk` (null: of no trunk any
  /// more), whose verified branch names a call.
  void see(const ViaBranch& branch, const Message& response, const Trunk* trunk, std::string_view line,
           const Instant& now);

 private:
  enum class Stage : std::uint8_t { kNothing, kRinging, kAnswered, kEnded };

  v1::CallEvent event_of(const ViaBranch& branch, const Message& response, const Trunk* trunk,
                         std::string_view line) const;
  void see_bye(const ViaBranch& branch, const Message& response, const Instant& now);

  CallSink& sink_;
  Attribution& attribution_;
  std::unordered_map<std::uint64_t, Stage> told_;  ///< by CallId::low()
};

}  // namespace ringtrace::sip
