#pragma once

#include <toml++/toml.h>

#include <string>

#include "gateway/config.h"
#include "gateway/config_mistakes.h"

namespace ringtrace::gateway {

/// [[trunk]]
void read_trunks(Mistakes& mistakes, const toml::table& root, const std::string& directory, Config& config);

/// [[line_group]]
void read_line_groups(Mistakes& mistakes, const toml::table& root, Config& config);

/// [sip], after the line groups it names.
void read_sip(Mistakes& mistakes, const toml::table& root, const std::string& directory, Config& config);

}  // namespace ringtrace::gateway
