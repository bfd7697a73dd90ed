#pragma once

#include <CLI/CLI.hpp>
#include <ostream>
#include <string>

namespace ringtrace::ctl {

/// Writes what makes a shell ("bash", "zsh" or "fish") complete the program's commands and options.
void print_completion(std::ostream& out, const CLI::App& app, const std::string& shell);

}  // namespace ringtrace::ctl
