#pragma once

#include <ringtrace/v1/call.pb.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrace::rpc {

/// How a read of the log ended.
enum class LogStatus : std::uint8_t {
  kOk,           ///< the answer is complete, also when it is empty
  kOutOfRange,   ///< events after the cursor have been dropped; `oldest_cursor` says where the rest begins
  kMalformed,    ///< the cursor is none of this log's
  kUnavailable,  ///< the log cannot be read now
};

/// Events read from the log.
struct LogRead {
  LogStatus status = LogStatus::kUnavailable;

  /// kOk: in the order of the log, each with its `cursor` filled in. Empty: nothing after the cursor yet.
  std::vector<std::shared_ptr<const v1::CallEvent>> events;

  /// kOutOfRange: the place just before the oldest event the log still has.
  std::string oldest_cursor;
};

/// Where the log ends.
struct LogEnd {
  LogStatus status = LogStatus::kUnavailable;  ///< kOk or kUnavailable
  std::string cursor;                          ///< kOk: of the last event; empty when the log holds none
};

/// What the services need from the call event log; the gateway joins it with the store's stream.
///
/// A cursor is an opaque text that names one event of the log; the empty cursor stands before the oldest
/// event there is. Reads return at once and call `done` exactly once, from inside the call or later from any
/// thread; `done` does not block. Every member may be called from any thread. The log outlives its watches.
class CallEventLog {
 public:
  using ReadDone = std::function<void(LogRead)>;
  using EndDone = std::function<void(LogEnd)>;

  /// Ends its watch when destroyed: then no call of the callback is under way, and none comes.
  class Watch {
   public:
    virtual ~Watch() = default;
  };

  virtual ~CallEventLog() = default;

  /// Reads at most `max` events after `cursor`.
  virtual void read_after(std::string_view cursor, std::size_t max, ReadDone done) = 0;

  /// Asks where the log ends.
  virtual void latest_cursor(EndDone done) = 0;

  /// Calls `grown` after events were appended, one call for any number of them, from any thread, once they
  /// can be read. `grown` does not block. A call without a new event does no harm; a missing one delays
  /// events.
  virtual std::unique_ptr<Watch> watch(std::function<void()> grown) = 0;
};

}  // namespace ringtrace::rpc
