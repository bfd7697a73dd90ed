#pragma once

#include <ringtrace/v1/call.pb.h>

#include <string>
#include <unordered_map>
#include <vector>

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

  EventRecord record(v1::CallEvent event);

 private:
  std::string caller_hash(const v1::CallEvent& event, const std::string& caller);

  const CallerKey caller_key_;
  std::unordered_map<std::string, std::string> hashes_;  ///< of the callers, by calls that have not ended
};

}  // namespace ringtrace::redis
