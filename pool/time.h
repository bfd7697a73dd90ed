#pragma once

#include <chrono>

namespace ringtrace::pool {

/// An instant of civil time (Unix epoch, no leap seconds) in whole milliseconds: what leases are stored with.
///
/// The pool has no clock of its own: every operation is told the time, so that all of it runs under virtual
/// time and a step of the machine's clock is the caller's to smooth.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;

/// A length of time in whole milliseconds.
using Duration = std::chrono::milliseconds;

/// An instant before all others: "never".
inline constexpr Time kNever{Duration::zero()};

}  // namespace ringtrace::pool
