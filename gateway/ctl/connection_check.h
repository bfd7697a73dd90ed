#pragma once

#include <optional>
#include <string>

#include "gateway/ctl/client.h"

namespace ringtrace::ctl {

/// Connects once more, by hand, to say in a few words why a gateway cannot be reached: nobody listens, it
/// speaks no TLS (or only TLS), its certificate has expired or is another's, it refuses ours. None when the
/// connection works, or no reason can be told. The gRPC library keeps most of these to itself.
std::optional<std::string> why_unreachable(const Common& common);

}  // namespace ringtrace::ctl
