#pragma once

#include <ringtrace/v1/call.pb.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/time.h"
#include "redis/connection.h"

namespace ringtrace::redis {

/// A place in the list of calls, which goes from those that started last to those that started first.
struct CallPlace {
  pool::Time start = pool::kNever;
  std::string call_id;
};

/// Which calls are asked for; what is empty does not matter.
struct CallSearch {
  std::optional<pool::Time> from;   ///< started then or later
  std::optional<pool::Time> until;  ///< started before
  std::string pool;                 ///< its name
  std::string dialed_number;        ///< E.164 with a plus
  std::string source;
  v1::CallOutcome outcome = v1::CALL_OUTCOME_UNSPECIFIED;
  std::optional<CallPlace> after;  ///< only calls behind this place
  std::size_t max = 1;
};

/// Some of the calls asked for, or none while Redis is away.
struct CallsFound {
  bool available = false;
  std::vector<v1::Call> calls;    ///< in the order of the list, each with its newest resolution
  std::optional<CallPlace> next;  ///< where to go on; none at the end
};

/// The calls whose events are in the log (see call_log.h), by start, pool, number and source.
///
/// The index is written by the function that appends the events, and what it says of a call goes with the
/// last of the call's events: so it is never ahead of the log and never behind. Each call costs one small
/// hash and an entry in up to four sorted sets (see call_index.lua). Any thread may call; callbacks come on
/// the connection's io thread, or from inside the call when Redis is away. The connection outlives the index.
class RedisCallIndex {
 public:
  using SearchDone = std::function<void(CallsFound)>;
  using FindDone = std::function<void(bool available, std::optional<v1::Call>)>;

  /// Calls looked at by one function call, so that Redis serves others in between; and function calls of one
  /// search, after which it answers with what it has.
  static constexpr std::size_t kLook = 500;
  static constexpr int kMaxSteps = 20;

  explicit RedisCallIndex(Connection& connection) : connection_(connection) {}

  void search(CallSearch search, SearchDone done);
  void find(const std::string& call_id, FindDone done);

 private:
  struct Progress;
  static void step(Connection& connection, const std::shared_ptr<Progress>& progress);

  Connection& connection_;
};

/// What the index is to know of an event's call.
struct CallIndexWords {
  pool::Time start = pool::kNever;
  v1::CallOutcome outcome = v1::CALL_OUTCOME_UNSPECIFIED;
  std::string_view pool;  ///< "pools/main"
  std::string_view dialed_number;
  std::string_view source;
};

/// The same as the function takes it: `start_ms outcome pool number source`, each escaped as in a lease.
std::string call_index_text(const CallIndexWords& call);

}  // namespace ringtrace::redis
