#pragma once

namespace ringtrace::rpc {

/// Has the mutexes of Abseil, which the gRPC library uses, stop looking for deadlocks. Debian builds them so
/// that each lock notes in a table, shared by all threads, after which others it was taken: a tenth of a
/// request's time. Its bookkeeping has also ended a process that was under load with "thread releasing lock
/// it does not hold". Of the whole process; before the library is used.
void stop_deadlock_search();

}  // namespace ringtrace::rpc
