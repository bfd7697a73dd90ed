#pragma once

#include <toml++/toml.h>

#include <string>
#include <variant>

#include "gateway/config.h"
#include "gateway/config_mistakes.h"

namespace ringtrace::gateway {

/// Reads [grpc] into `config`, and the files it names; `directory` is where they are looked for. Refuses to
/// listen beyond loopback without credentials.
void read_grpc(Mistakes& mistakes, const toml::table& root, const std::string& directory, Config& config);

/// Reads the files and looks whether they may be used now. The identity, or one sentence naming the file.
std::variant<rpc::TlsIdentity, std::string> read_tls(const TlsFiles& files);

}  // namespace ringtrace::gateway
