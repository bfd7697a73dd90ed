#pragma once

#include <ringtrace/v1/call.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sip/call_id.h"
#include "sip/call_sink.h"
#include "sip/stats.h"
#include "sip/timer_queue.h"

namespace ringtrace::sip {

/// One moment on both clocks: durations come from the steady one, what is written down from the other.
struct Instant {
  SteadyTime steady;
  WallTime wall;
};

/// "01J...-ringing", "-answered" or "-ended": the same whichever process tells it.
std::string event_id_of(std::string_view call_id, v1::CallEventType type);
/// What an INVITE's final answer other than 2xx says of the call.
v1::CallOutcome outcome_of_failure(int status);

/// What is known of a call when its INVITE has been resolved.
struct NewCall {
  std::string dialed_number;
  std::string caller;
  std::string trunk;
  std::string sip_call_id;
  std::string caller_tag;
  v1::Resolution resolution;
  std::string forwarded_from{};
};

/// The live calls and their records: turns what the proxy sees into events for the sink.
///
/// Invariants: a call is in the table from begin() to its ENDED event, and each begun call gets exactly one;
/// after an answered call's end its id stays for kAfterlife so that a second BYE (both sides hanging up at
/// once) closes nothing. At most `limit` live calls; ended ones are bounded by the rate of calls times
/// kAfterlife. SIP thread only.
class CallBook {
 public:
  static constexpr std::chrono::seconds kAfterlife{32};
  /// The sides of a call may be this late with its refresh.
  static constexpr std::chrono::seconds kRefreshGrace{60};
  /// Marks the timers of the book in TimerQueue::Event::what.
  static constexpr std::uint32_t kTimer = 0x10000;

  CallBook(CallSink& sink, ProxyStats& stats, TimerQueue& timers, const RandomSource& random)
      : sink_(sink), stats_(stats), timers_(timers), random_(random) {}

  std::size_t live() const { return live_; }
  /// It began here, and its end is not long past.
  bool knows(const CallId& id) { return find(id) != nullptr; }

  /// What it was resolved to; of a live call only.
  const v1::Resolution& resolution_of(const CallId& id) { return find_live(id)->record.resolution(); }

  /// `maximum_age` is that of an answered call, counted from its answer.
  CallId begin(NewCall call, std::chrono::milliseconds maximum_age, Instant now);
  void set_line(const CallId& id, const std::string& line);
  /// The first 180 or 183; later ones do nothing.
  void ringing(const CallId& id, Instant now);
  /// The first 2xx; later ones do nothing.
  void answered(const CallId& id, std::string_view line_tag, int status, Instant now);
  /// A 2xx to the INVITE or to a later refresh passed, with this Session-Expires. A call that is not
  /// refreshed within it is over (RFC 4028 section 10); without one only its maximum age ends it unseen.
  void refreshed(const CallId& id, std::string_view caller_tag, std::string_view line_tag,
                 std::optional<std::chrono::seconds> session, Instant now);
  /// No line answered.
  void failed(const CallId& id, v1::CallOutcome outcome, int status, Instant now);
  /// A BYE of the dialog is over. Ends the call when it is live and the tags are its own; a call that is not
  /// known is handed to the sink as a closing.
  void hung_up(const CallId& id, std::string_view sip_call_id, std::string_view caller_tag,
               std::string_view line_tag, Instant at);
  /// A timer whose `what` is kTimer.
  void on_timer(std::uint64_t owner, Instant now);

 private:
  struct Call {
    CallId id;
    v1::Call record;
    std::string caller_tag;
    std::string line_tag;
    SteadyTime start;
    std::optional<SteadyTime> answer;
    std::chrono::milliseconds maximum_age{};
    SteadyTime oldest;  ///< when that ends it
    TimerQueue::Id timer = TimerQueue::kNone;
    bool ended = false;
  };

  Call* find(const CallId& id);
  Call* find_live(const CallId& id);
  void emit(v1::Call& record, v1::CallEventType type, Instant now);
  void end(Call& call, v1::CallOutcome outcome, Instant at);

  CallSink& sink_;
  ProxyStats& stats_;
  TimerQueue& timers_;
  const RandomSource& random_;
  std::size_t live_ = 0;
  v1::CallEvent event_;                            ///< that is being told; keeps its room
  std::unordered_map<std::uint64_t, Call> calls_;  ///< by CallId::low(), which is random
};

}  // namespace ringtrace::sip
