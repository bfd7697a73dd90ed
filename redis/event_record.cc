#include "redis/event_record.h"

#include <algorithm>
#include <utility>

#include "proto/from_pool.h"
#include "proto/json_text.h"
#include "redis/call_event_text.h"
#include "redis/call_index.h"
#include "redis/call_persons.h"

namespace ringtrace::redis {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// Remembered at most; then all are forgotten, and made anew.
constexpr std::size_t kMostHashes = 100'000;

pool::Time time_of(std::string_view timestamp) {
  google::protobuf::Timestamp time;
  time.ParseFromArray(timestamp.data(), static_cast<int>(timestamp.size()));
  return from_timestamp(time);
}

/// One event on its way into its JSON: what else the record needs is picked up as the fields come by, what is
/// personal is taken out of them.
class EventReading {
 public:
  /// False when it is no event.
  bool read(std::string_view event) {
    json_.reserve(3 * event.size());
    return append_json(
        *event_type_, event, json_,
        [this](const FieldDescriptor& field, const WireField& value) { return see(field, value); });
  }

  std::string event_id, call_id, caller;
  v1::CallEventType type = v1::CALL_EVENT_TYPE_UNSPECIFIED;
  CallIndexWords index;
  std::vector<std::pair<std::string, std::string>> visits;  ///< id, and what is personal of it
  std::string& json() { return json_; }

 private:
  /// True when the field belongs into the JSON.
  bool see(const FieldDescriptor& field, const WireField& value) {
    const Descriptor* const of = field.containing_type();
    if (of == call_type_) return see_call(value);
    if (of == event_type_) return see_event(value);
    if (of == resolution_type_) see_resolution(value);
    return of != visit_type_ || value.number == v1::Visit::kVisitIdFieldNumber;
  }

  bool see_event(const WireField& value) {
    switch (value.number) {
      case v1::CallEvent::kEventIdFieldNumber:
        event_id = value.bytes;
        break;
      case v1::CallEvent::kTypeFieldNumber:
        type = static_cast<v1::CallEventType>(value.value);
        break;
      case v1::CallEvent::kAttributionUpdatedFieldNumber:
        in_previous_ = true;
        break;
      default:
        break;
    }
    return value.number != v1::CallEvent::kCursorFieldNumber;
  }

  bool see_call(const WireField& value) {
    switch (value.number) {
      case v1::Call::kCallIdFieldNumber:
        call_id = value.bytes;
        break;
      case v1::Call::kDialedNumberFieldNumber:
        index.dialed_number = value.bytes;
        break;
      case v1::Call::kOutcomeFieldNumber:
        index.outcome = static_cast<v1::CallOutcome>(value.value);
        break;
      case v1::Call::kStartTimeFieldNumber:
        index.start = time_of(value.bytes);
        break;
      case v1::Call::kCallerFieldNumber:
        caller = value.bytes;
        return false;
      default:
        break;
    }
    return true;
  }

  /// The call is found by its present resolution; the visits of both are personal.
  void see_resolution(const WireField& value) {
    if (value.number == v1::Resolution::kVisitFieldNumber) return take_visit(value.bytes);
    if (in_previous_) return;
    if (value.number == v1::Resolution::kSourceFieldNumber) index.source = value.bytes;
    if (value.number == v1::Resolution::kPoolFieldNumber) index.pool = value.bytes;
  }

  void take_visit(std::string_view visit) {
    std::string id;
    std::string rest;
    const bool read = append_json(
        *visit_type_, visit, rest, [this, &id](const FieldDescriptor& field, const WireField& value) {
          const bool is_id =
              field.containing_type() == visit_type_ && value.number == v1::Visit::kVisitIdFieldNumber;
          if (is_id) id = value.bytes;
          return !is_id;
        });
    const bool is_known =
        std::any_of(visits.begin(), visits.end(), [&id](const auto& known) { return known.first == id; });
    if (read && rest != "{}" && !is_known) visits.emplace_back(std::move(id), std::move(rest));
  }

  const Descriptor* const event_type_ = v1::CallEvent::descriptor();
  const Descriptor* const call_type_ = v1::Call::descriptor();
  const Descriptor* const resolution_type_ = v1::Resolution::descriptor();
  const Descriptor* const visit_type_ = v1::Visit::descriptor();
  std::string json_;
  bool in_previous_ = false;
};

}  // namespace

std::optional<EventRecord> EventRecorder::record(std::string_view event) {
  EventReading reading;
  if (!reading.read(event)) return std::nullopt;
  std::string hash =
      reading.caller.empty() ? std::string() : caller_hash(reading.call_id, reading.type, reading.caller);
  EventRecord result{reading.call_id, {}};
  std::vector<std::string>& values = result.values;
  values.reserve(8 + 2 * reading.visits.size());
  values.push_back(std::move(reading.event_id));
  values.emplace_back(type_word(reading.type));
  values.push_back(std::move(reading.call_id));
  values.push_back(std::move(reading.json()));
  values.push_back(call_index_text(reading.index));
  values.push_back(std::move(reading.caller));
  values.push_back(std::move(hash));
  values.push_back(std::to_string(reading.visits.size()));
  for (auto& [id, json] : reading.visits) {
    values.push_back(std::move(id));
    values.push_back(std::move(json));
  }
  return result;
}

/// A call has several events, and a hash costs more than the rest of one.
std::string EventRecorder::caller_hash(const std::string& call_id, v1::CallEventType type,
                                       std::string_view caller) {
  if (hashes_.size() >= kMostHashes) hashes_.clear();
  const auto [known, is_new] = hashes_.try_emplace(call_id);
  if (is_new) known->second = caller_key_.hash(caller);
  if (type != v1::CALL_EVENT_TYPE_ENDED) return known->second;
  std::string hash = std::move(known->second);
  hashes_.erase(known);
  return hash;
}

}  // namespace ringtrace::redis
