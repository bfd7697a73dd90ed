#pragma once

namespace ringtrace::gateway {

// How ringtraced ends.
inline constexpr int kExitOk = 0;
inline constexpr int kExitCannotStart = 1;  ///< a port in use, a directory that cannot be written...
inline constexpr int kExitMistakes = 2;     ///< in the arguments or the configuration
inline constexpr int kExitLost = 3;         ///< another gateway has taken the pools over

}  // namespace ringtrace::gateway
