#pragma once

#include <ringtrace/v1/call.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis/reply.h"

namespace ringtrace::redis {

/// The texts of a call event in Redis (see keys.h), written and read.

/// "ringing", "answered", "ended", "attribution_updated"; "unspecified" for anything else.
std::string_view type_word(v1::CallEventType type);

/// The event of its JSON, also of a newer gateway's event; none when it is no event.
std::optional<v1::CallEvent> event_from_json(const std::string& json);

/// The caller as it stands in the JSON of an event that names it: `"caller":"+12025550190"`.
std::string caller_in_json(const std::string& caller);

/// An entry of the stream as XRANGE gives it, with its cursor; none when it is no event.
std::optional<v1::CallEvent> event_from_entry(const Reply& entry);

/// A place in the log: a stream id, "milliseconds-sequence".
struct Cursor {
  std::uint64_t time_ms = 0;
  std::uint64_t sequence = 0;
  auto operator<=>(const Cursor&) const = default;

  /// None when the text is no stream id.
  static std::optional<Cursor> parse(std::string_view text);
};

}  // namespace ringtrace::redis
