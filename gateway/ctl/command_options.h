#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <string>

/// Kinds of options that several commands have.
namespace ringtrace::ctl {

/// "30m", "1h30m".
CLI::Option& add_duration(CLI::App& command, const std::string& name, const std::string& help,
                          std::optional<std::chrono::milliseconds>& target);

/// NAME=VALUE, any number of times.
void add_pairs(CLI::App& command, const std::string& name, const std::string& help,
               std::map<std::string, std::string>& target);

/// --pool, by default "main".
void add_pool(CLI::App& command, std::string& pool);

/// --visit, required.
void add_visit(CLI::App& command, std::string& visit);

}  // namespace ringtrace::ctl
