#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "gateway/ctl/commands.h"

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

/// An instant, which its help says.
CLI::Option& add_time(CLI::App& command, const std::string& name, const std::string& help,
                      std::string& target);

/// --ttl or --expire-time; `how_long` begins their help, such as "How long".
void add_expiration(CLI::App& command, const std::string& how_long, Expiration& target);

/// --request-id.
void add_request_id(CLI::App& command, std::string& request_id);

/// --limit; `help` says of what.
CLI::Option& add_limit(CLI::App& command, const std::string& help, std::uint64_t& limit);

/// A number, of any kind.
CLI::Option& add_number(CLI::App& command, const std::string& name, const std::string& help, double& target);

/// HOST:PORT.
CLI::Option& add_address(CLI::App& command, const std::string& name, const std::string& help,
                         std::string& address);

/// --visit, required.
void add_visit(CLI::App& command, std::string& visit);

}  // namespace ringtrace::ctl
