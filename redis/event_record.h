#pragma once

#include <ringtrace/v1/call.pb.h>

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "redis/call_persons.h"
#include "redis/caller_key.h"

namespace ringtrace::redis {

/// An event as the function of Redis that records it takes it (see call_log.lua): made of it once, however
/// often it is sent.
struct EventRecord {
  std::string call_id;
  std::vector<std::string> values;
};

/// Makes records of events. One thread at a time.
class EventRecorder {
 public:
  explicit EventRecorder(const CallerKey& caller_key) : caller_key_(caller_key) {}

  /// Of a serialized CallEvent; nothing when it is none.
  std::optional<EventRecord> record(std::string_view event);

 private:
  std::string hashes_of(const std::string& call_id, v1::CallEventType type, const Persons& persons);

  const CallerKey caller_key_;
  std::unordered_map<std::string, std::string> hashes_;  ///< of the numbers, by calls that have not ended
};

}  // namespace ringtrace::redis
