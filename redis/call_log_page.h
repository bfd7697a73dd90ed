#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "redis/call_log.h"
#include "redis/connection.h"

namespace ringtrace::redis {

/// The page of the log that Redis answered with to who read after `cursor`. Entries that are no events are
/// left out, and counted.
///
/// Internal to the room; any thread.
CallLogPage page_of(const Answer& answer, const std::string& cursor, std::atomic<std::uint64_t>& unreadable);

}  // namespace ringtrace::redis
