#pragma once

#include "tests/redis/redis_server.h"

namespace ringtrace::bench {

/// Events a second that go through the log of call events into a Redis that is empty at first: three of each
/// call, of 2 000 calls that ring and as many that talk at a time. The log keeps the newest 5 000 of them.
/// Throws when one was refused.
double call_events_per_second(const test::RedisServer& server, int calls);

/// The same of the log one would write oneself: XADD of the event's JSON, each waited for.
double plain_events_per_second(const test::RedisServer& server, int calls);

}  // namespace ringtrace::bench
