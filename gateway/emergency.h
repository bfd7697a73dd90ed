#pragma once

#include <optional>
#include <string>

#include "gateway/config.h"
#include "gateway/log.h"
#include "sip/config.h"

/// What carries calls when nothing else can be had: the configuration does not load, or the gateway cannot
/// start with it. Only the proxy runs then: calls from the trunks known last go to each trunk's own emergency
/// line. Nothing is attributed, leased or stored; every call is told in the log.
///
/// It needs nothing but one small file of its own in the state directory, written by every gateway that
/// started well, and where names led last (gateway/name_file.h). Accounts stay registered with what is
/// written there, password included: the file is its owner's alone.

namespace ringtrace::gateway {

/// Writes down, in the state directory, what emergency mode needs; removes it when no trunk has an emergency
/// line. The error is a sentence.
std::optional<std::string> keep_emergency_plan(const Config& config, const std::string& signing_key);

/// What was written down there last; nothing when there is nothing to be used.
std::optional<sip::ProxyConfig> read_emergency_plan(const std::string& state_directory);

/// The state directory of a configuration that may be full of mistakes: as its text says, if it is TOML at
/// all, else $STATE_DIRECTORY, which systemd sets. Empty: none.
std::string state_directory_of(const std::string& config_path);

enum class EmergencyEnd : std::uint8_t { kStop, kTryAgain };

/// Serves until SIGTERM or SIGINT (kStop), or until the gateway may be tried again (kTryAgain): at SIGHUP, or
/// as soon as the configuration has become one that loads, looked at every few seconds. `unless_loads`:
/// whether that second way is open. Nothing when not even this can be started; the log says why.
std::optional<EmergencyEnd> run_emergency(const sip::ProxyConfig& plan, const std::string& config_path,
                                          bool unless_loads, Log& log);

}  // namespace ringtrace::gateway
