#pragma once

#include <ringtrace/v1/call.pb.h>

#include <string>

#include "sip/call_id.h"

namespace ringtrace::sip {

/// The end of a call that this process has not seen begin: it was answered before a restart, or at another
/// gateway.
struct CallClosing {
  std::string call_id;      ///< Ringtrace's own, from the signed Route
  std::string sip_call_id;  ///< of the dialog
  std::string caller_tag;   ///< the caller's side of the dialog
  std::string line_tag;     ///< the line's side
  WallTime end_time;        ///< when the BYE came
};

/// Where the proxy hands its calls' events to. Called on the SIP thread; must neither block nor throw.
class CallSink {
 public:
  virtual ~CallSink() = default;

  /// In order per call; exactly one event of type ENDED for each call that began here and ended here.
  virtual void record(const v1::CallEvent& event) = 0;

  /// To be ignored when the call has ended already.
  virtual void close_unknown(CallClosing closing) = 0;

  /// What an answer tells of a call that this process has not seen begin. The event is whole, but made from
  /// that answer alone: what is known of the call from before stands over it. To be ignored when it, or
  /// something later, has been told.
  virtual void resume(const v1::CallEvent& event) = 0;
};

}  // namespace ringtrace::sip
