#pragma once

#include <cstdint>

namespace ringtrace::rpc {

/// Takes over the gRPC library's own log lines. Of them an operator needs one: that a TLS handshake failed,
/// and why; it is told as a line of ours, at most one a second, and counted. The rest is about what our own
/// lines and errors tell better. The library has one log a process, hence this counter of the process.
/// Before the library is used.
void take_library_log();

/// TLS handshakes on the gRPC port that failed, since start.
std::uint64_t failed_handshakes();

}  // namespace ringtrace::rpc
