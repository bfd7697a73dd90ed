#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/config_mistakes.h"
#include "gateway/config_schema.h"
#include "grpc/token_table.h"
#include "pool/config.h"

namespace ringtrace::gateway {

/// The [[token]] tables of the file that [grpc] token_file names.
const SectionSpec& token_section();

/// Reads the file at `path`. Mistakes are noted with that file's name and line, a file that cannot be read at
/// `line` of the configuration. Pools that tokens name must be among `pools`.
std::vector<rpc::TokenGrant> read_token_file(Mistakes& mistakes, std::uint32_t line, const std::string& path,
                                             const pool::PoolsConfig& pools);

}  // namespace ringtrace::gateway
