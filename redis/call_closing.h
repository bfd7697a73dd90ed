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

/// The ENDED event of a call whose latest event was `open`: ANSWERED, with its durations when the answer was
/// seen before the restart, without them when it came while no process lived. None when the BYE belongs to
/// another dialog or the call is over already.
std::optional<v1::CallEvent> closing_event(const v1::CallEvent& open, const CallClosing& closing);

}  // namespace ringtrace::redis
