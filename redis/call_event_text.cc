#include "redis/call_event_text.h"

#include <charconv>
#include <utility>

#include "proto/json_reader.h"
#include "proto/json_text.h"

namespace ringtrace::redis {
namespace {

std::optional<std::uint64_t> parse_whole(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc{} || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::string_view type_word(v1::CallEventType type) {
  switch (type) {
    case v1::CALL_EVENT_TYPE_RINGING:
      return "ringing";
    case v1::CALL_EVENT_TYPE_ANSWERED:
      return "answered";
    case v1::CALL_EVENT_TYPE_ENDED:
      return "ended";
    case v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED:
      return "attribution_updated";
    default:
      return "unspecified";
  }
}

std::string caller_in_json(const std::string& caller) {
  v1::Call call;
  call.set_caller(caller);
  const std::string json = to_json(call);
  return json.substr(1, json.size() - 2);
}

std::optional<v1::CallEvent> event_from_json(const std::string& json) {
  v1::CallEvent event;
  return from_json(json, event) ? std::optional(std::move(event)) : std::nullopt;
}

std::optional<v1::CallEvent> event_from_entry(const Reply& entry) {
  if (entry.elements.size() != 2) return std::nullopt;
  const std::vector<Reply>& fields = entry.elements[1].elements;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    if (!fields[i].is("json")) continue;
    std::optional<v1::CallEvent> event = event_from_json(fields[i + 1].text);
    if (event) event->set_cursor(entry.elements[0].text);
    return event;
  }
  return std::nullopt;
}

std::optional<Cursor> Cursor::parse(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto time_ms = parse_whole(text.substr(0, dash));
  const auto sequence = parse_whole(text.substr(dash + 1));
  if (!time_ms || !sequence) return std::nullopt;
  return Cursor{*time_ms, *sequence};
}

}  // namespace ringtrace::redis
