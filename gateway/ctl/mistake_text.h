#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace ringtrace::ctl {

/// What is wrong with a command line that could not be parsed: a word that is no command or option before
/// anything that is missing, with the nearest one that is.
std::string mistake_text(const CLI::App& app, const CLI::Error& error);

/// Where to look it up.
std::string mistake_advice(const CLI::App& app);

}  // namespace ringtrace::ctl
