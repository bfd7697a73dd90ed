#pragma once

#include <optional>
#include <string>

#include "pool/config.h"

namespace ringtrace::pool {

/// What is wrong with the configuration; none when nothing is.
std::optional<std::string> find_mistake(const PoolsConfig& config);

}  // namespace ringtrace::pool
