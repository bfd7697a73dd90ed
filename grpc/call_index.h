#pragma once

#include <ringtrace/v1/call.pb.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grpc/call_event_log.h"
#include "pool/time.h"

namespace ringtrace::rpc {

/// A place in the list of all calls, which goes from those that started last to those that started first.
struct CallPlace {
  pool::Time start = pool::kNever;
  std::string call_id;
};

/// Which calls are asked for; what is empty does not matter.
struct CallQuery {
  std::optional<pool::Time> from;   ///< started then or later
  std::optional<pool::Time> until;  ///< started before
  std::string pool;                 ///< "pools/main"
  std::string dialed_number;        ///< E.164 with a plus
  std::string source;
  v1::CallOutcome outcome = v1::CALL_OUTCOME_UNSPECIFIED;
  std::optional<CallPlace> after;  ///< only calls behind this place
  std::size_t max = 1;
};

/// Some of the calls asked for.
struct CallPage {
  LogStatus status = LogStatus::kUnavailable;  ///< kOk or kUnavailable
  std::vector<v1::Call> calls;                 ///< in the order of the list, each with its newest resolution
  std::optional<CallPlace> next;  ///< where to go on; none at the end. There may be no more calls.
};

/// One call.
struct FoundCall {
  LogStatus status = LogStatus::kUnavailable;  ///< kOk or kUnavailable
  std::optional<v1::Call> call;                ///< none when the log knows no such call (any more)
};

/// What the services need to tell calls apart from events: each call as its newest event left it, as long as
/// the log keeps one of its events. The gateway joins it with the store. Members return at once and call
/// `done` exactly once, from inside the call or later from any thread; `done` does not block. Every member
/// may be called from any thread.
class CallIndex {
 public:
  using PageDone = std::function<void(CallPage)>;
  using FoundDone = std::function<void(FoundCall)>;

  virtual ~CallIndex() = default;

  /// At most `max` calls. The work of one search is bounded, so a page may be short, even empty, with a
  /// `next`.
  virtual void search(CallQuery query, PageDone done) = 0;

  /// The call of that id.
  virtual void find(std::string_view call_id, FoundDone done) = 0;
};

}  // namespace ringtrace::rpc
