#pragma once

#include <iosfwd>
#include <string>
#include <variant>

namespace ringtrace::gateway {

/// What ringtraced was asked to do.
struct CommandLine {
  std::string config;
  bool check = false;
  bool print_reference = false;
};

/// Reads the arguments; or, after printing help, version or a mistake, the status to exit with.
std::variant<CommandLine, int> parse_command_line(int argc, const char* const* argv, std::ostream& out,
                                                  std::ostream& err);

}  // namespace ringtrace::gateway
