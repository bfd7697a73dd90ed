#pragma once

namespace ringtrace::gateway {

/// All of ringtraced: reads the arguments and the configuration, and runs the gateway until it is asked to
/// end. Returns the exit status (exit_status.h).
int run_program(int argc, const char* const* argv);

}  // namespace ringtrace::gateway
