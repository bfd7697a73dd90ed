#pragma once

#include <chrono>

namespace ringtrace::sip {

/// Asks the kernel to give the calling thread its turns in slices this short, and therefore soon after it
/// wakes: before threads that share its processor and have been given longer ones. No privilege is needed,
/// and no more processor time comes of it. Kernels before Linux 6.12 take no notice.
void ask_for_short_slices(std::chrono::nanoseconds slice);

}  // namespace ringtrace::sip
