#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>
#include <vector>

#include "gateway/config.h"
#include "gateway/config_mistakes.h"

namespace ringtrace::gateway {

/// Reads [[pool]], [[static]], [attribution] and [memory] into `config`; `directory` is where files named in
/// them are looked for. Checks what needs more than one key: numbers in two places, missing fallbacks.
void read_pools(Mistakes& mistakes, const toml::table& root, const std::string& directory, Config& config);

/// A name to be looked up: the valid ones, and what they are called ("line group").
void check_reference(Mistakes& mistakes, std::uint32_t line, const std::string& where,
                     const std::string& name, std::string_view kind,
                     const std::vector<std::string_view>& known);

/// `file` as seen from `directory`, unless absolute.
std::string beside(const std::string& directory, const std::string& file);

}  // namespace ringtrace::gateway
