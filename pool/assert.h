#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the process when an invariant of ours is broken, in Release too: a pool that has lost count must not
/// go on lending numbers. Never used on anything that comes from outside.
#define RINGTRACE_ASSERT(condition)                                                              \
  (static_cast<bool>(condition)                                                                  \
       ? static_cast<void>(0)                                                                    \
       : (std::fprintf(stderr, "%s:%d: invariant broken: %s\n", __FILE__, __LINE__, #condition), \
          std::abort()))
