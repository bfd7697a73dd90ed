#pragma once

#include "tests/redis/redis_server.h"

namespace ringtrace::bench {

/// Events a second that go through the log of call events into an empty Redis: three of each call, in the
/// order in which calls a second apart would tell them. Throws when one was refused.
double call_events_per_second(const test::RedisServer& server, int calls);

/// The same of the log one would write oneself: XADD of the event's JSON, each waited for.
double plain_events_per_second(const test::RedisServer& server, int calls);

}  // namespace ringtrace::bench
