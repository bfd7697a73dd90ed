#pragma once

#include <ringtrace/v1/call.pb.h>

#include <cstdint>
#include <functional>
#include <string_view>

#include "grpc/call_event_log.h"

namespace ringtrace::rpc {

/// What became of an erasure.
struct Erasure {
  LogStatus status = LogStatus::kUnavailable;  ///< kOk or kUnavailable
  std::uint64_t calls = 0;                     ///< that told something personal until now
  bool is_rewriting = false;                   ///< the store rewrites its history
};

/// Removes what is personal of a caller wherever the gateway and its store have it; the gateway provides it.
/// Any thread may call; `done` is called exactly once, from inside the call or later from any thread, and
/// does not block.
class CallerEraser {
 public:
  using Done = std::function<void(Erasure)>;

  virtual ~CallerEraser() = default;

  /// `caller` as calls tell it. `rewrites`: also asks the store to rewrite its history, where it keeps one.
  virtual void erase(std::string_view caller, bool rewrites, Done done) = 0;

  /// Takes out of an event, which may have been read a while ago, what may be told no more: its caller was
  /// erased, or the time for it is over.
  virtual void redact(v1::CallEvent& event) const = 0;
};

}  // namespace ringtrace::rpc
