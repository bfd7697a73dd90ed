#pragma once

namespace ringtrace::rpc {

/// Initial metadata of every StreamCallEvents: the cursor of the log's last event when the stream found its
/// place; empty when there was none. It is sent at that moment, before any event, so a client that has it
/// misses nothing that happens from then on, and one that wants only the past knows where that ends.
inline constexpr const char* kLatestCursorKey = "ringtrace-latest-cursor";

}  // namespace ringtrace::rpc
