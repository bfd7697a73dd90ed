#include "redis/event_record.h"

#include <utility>

#include "redis/call_event_text.h"
#include "redis/call_index.h"
#include "redis/call_persons.h"

namespace ringtrace::redis {
namespace {

// Remembered at most; then all are forgotten, and made anew.
constexpr std::size_t kMostHashes = 100'000;

}  // namespace

EventRecord EventRecorder::record(v1::CallEvent event) {
  Persons persons = take_persons(event);
  std::string hash = persons.caller.empty() ? std::string() : caller_hash(event, persons.caller);
  EventRecord result{event.call().call_id(), {}};
  std::vector<std::string>& values = result.values;
  values.reserve(8 + 2 * persons.visits.size());
  values.push_back(event.event_id());
  values.emplace_back(type_word(event.type()));
  values.push_back(result.call_id);
  std::string index = call_index_text(event);
  values.push_back(event_to_json(std::move(event)));
  for (std::string* value : {&index, &persons.caller, &hash}) values.push_back(std::move(*value));
  values.push_back(std::to_string(persons.visits.size()));
  for (auto& [id, json] : persons.visits) {
    values.push_back(std::move(id));
    values.push_back(std::move(json));
  }
  return result;
}

/// A call has several events, and a hash costs more than the rest of one.
std::string EventRecorder::caller_hash(const v1::CallEvent& event, const std::string& caller) {
  if (hashes_.size() >= kMostHashes) hashes_.clear();
  const auto [known, is_new] = hashes_.try_emplace(event.call().call_id());
  if (is_new) known->second = caller_key_.hash(caller);
  if (event.type() != v1::CALL_EVENT_TYPE_ENDED) return known->second;
  std::string hash = std::move(known->second);
  hashes_.erase(known);
  return hash;
}

}  // namespace ringtrace::redis
