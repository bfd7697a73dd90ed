#pragma once

#include <ringtrace/v1/call.pb.h>

#include <optional>
#include <string>

#include "pool/time.h"

namespace ringtrace::redis {

/// The end of a call that this process has no memory of: its BYE came after a restart.
struct CallClosing {
  std::string call_id;
  std::string sip_call_id;  ///< the Call-ID header of the BYE
  pool::Time end_time = pool::kNever;
};

/// When a call began, by its id: the first ten of its 26 characters are milliseconds in base 32. None when it
/// is no id of ours.
std::optional<pool::Time> start_of_call(const std::string& call_id);

/// The ENDED event of a call whose latest event was `open`: ANSWERED, with its durations when the answer was
/// seen before the restart, without them when it came while no process lived. None when the BYE belongs to
/// another dialog or the call is over already.
std::optional<v1::CallEvent> closing_event(const v1::CallEvent& open, const CallClosing& closing);

/// The ENDED event of a call that has no open record: it was still being routed when its process was killed,
/// so that only what the BYE and the call's id tell is known. (Or its end is in the log already; Redis leaves
/// this one out then.) None when the id is none of ours.
std::optional<v1::CallEvent> closing_event(const CallClosing& closing);

/// What is to be told of a call whose latest event was `open` and of which a later process `saw` this in an
/// answer: all that is known of it from before, with the new state, times and outcome. None when it belongs
/// to another dialog, or as much has been told.
std::optional<v1::CallEvent> resumed_event(const v1::CallEvent& open, const v1::CallEvent& saw);

/// The ENDED event of a call that nobody saw end, closed at `now` because it is too old: UNKNOWN_END, its
/// durations absent. None when it is over already.
std::optional<v1::CallEvent> overage_event(const v1::CallEvent& open, pool::Time now);

}  // namespace ringtrace::redis
