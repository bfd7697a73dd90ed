#pragma once

#include <string_view>
#include <vector>

#include "gateway/config.h"

namespace ringtrace::gateway {

/// The tables of the file in which `fresh` differs from `running` in a way that only a restart takes over.
std::vector<std::string_view> needing_restart(const Config& running, const Config& fresh);

/// Takes over into `running` what a reload applies: trunks, lines, the proxy's times, limits and headers, and
/// the numbers of pools.
void take_over_changes(Config& running, Config fresh);

}  // namespace ringtrace::gateway
