#pragma once

#include <CLI/CLI.hpp>
#include <ostream>
#include <string>

namespace ringtrace::ctl {

/// Writes the manual page of a program and its commands, man(7), from the texts of its --help.
void print_man_page(std::ostream& out, const CLI::App& app, const std::string& section);

}  // namespace ringtrace::ctl
