#pragma once

#include <ringtrace/v1/call.pb.h>

#include <string>
#include <utility>
#include <vector>

#include "redis/reply.h"

namespace ringtrace::redis {

/// What is personal of a call event and stands beside it in the store (see call_persons.lua): who called, who
/// forwarded the call, and the visitor and attributes of each visit the event names.
struct Persons {
  std::string caller;
  std::string forwarded_from;
  std::vector<std::pair<std::string, std::string>> visits;  ///< id, and the rest as one line of JSON
};

/// Takes it out of the event.
Persons take_persons(v1::CallEvent& event);

/// Puts it back where the event names the visit; what the event has itself stays.
void put_persons(const Persons& persons, v1::CallEvent& event);

/// The caller's and the forwarder's number as one text of the store: the caller's, and behind a tab the other
/// if there is one. Neither has a tab.
std::string numbers_text(const Persons& persons);

/// Read from the function's answer: the numbers, then per visit its id and its text.
Persons persons_from(const Reply& reply);

}  // namespace ringtrace::redis
