#include "redis/event_record.h"

#include <algorithm>
#include <utility>

#include "proto/from_pool.h"
#include "proto/json_text.h"
#include "redis/call_event_text.h"
#include "redis/call_index.h"

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

  std::string event_id, call_id;
  Persons persons;
  v1::CallEventType type = v1::CALL_EVENT_TYPE_UNSPECIFIED;
  CallIndexWords index;
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
        persons.caller = value.bytes;
        return false;
      case v1::Call::kForwardedFromFieldNumber:
        persons.forwarded_from = value.bytes;
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
    const bool is_known = std::any_of(persons.visits.begin(), persons.visits.end(),
                                      [&id](const auto& known) { return known.first == id; });
    if (read && rest != "{}" && !is_known) persons.visits.emplace_back(std::move(id), std::move(rest));
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
  std::string hashes = hashes_of(reading.call_id, reading.type, reading.persons);
  EventRecord result{reading.call_id, {}};
  std::vector<std::string>& values = result.values;
  values.reserve(8 + 2 * reading.persons.visits.size());
  values.push_back(std::move(reading.event_id));
  values.emplace_back(type_word(reading.type));
  values.push_back(std::move(reading.call_id));
  values.push_back(std::move(reading.json()));
  values.push_back(call_index_text(reading.index));
  values.push_back(numbers_text(reading.persons));
  values.push_back(std::move(hashes));
  values.push_back(std::to_string(reading.persons.visits.size()));
  for (auto& [id, json] : reading.persons.visits) {
    values.push_back(std::move(id));
    values.push_back(std::move(json));
  }
  return result;
}

/// A call has several events, and a hash costs more than the rest of one.
std::string EventRecorder::hashes_of(const std::string& call_id, v1::CallEventType type,
                                     const Persons& persons) {
  if (persons.caller.empty() && persons.forwarded_from.empty()) return {};
  if (hashes_.size() >= kMostHashes) hashes_.clear();
  const auto [known, is_new] = hashes_.try_emplace(call_id);
  if (is_new) {
    for (const std::string* number : {&persons.caller, &persons.forwarded_from}) {
      if (!number->empty())
        known->second.append(known->second.empty() ? "" : " ").append(caller_key_.hash(*number));
    }
  }
  if (type != v1::CALL_EVENT_TYPE_ENDED) return known->second;
  std::string hashes = std::move(known->second);
  hashes_.erase(known);
  return hashes;
}

}  // namespace ringtrace::redis
