#pragma once

#include <cstdio>
#include <string>

namespace ringtrace::pool::testing {

/// Says what a proof has run, in a line that tests/run shows at its end.
inline void counted(const std::string& what) { std::printf("counted: %s\n", what.c_str()); }

}  // namespace ringtrace::pool::testing
