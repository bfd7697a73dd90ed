#pragma once

#include <string>
#include <variant>

#include "gateway/config.h"
#include "gateway/kept_key.h"
#include "sip/config.h"

namespace ringtrace::gateway {

/// The proxy's part of the configuration, signed with `signing_key`.
sip::ProxyConfig to_proxy_config(const Config& config, std::string signing_key);

/// Where to listen. The advertised address, if any, is that of the listeners of its own family.
sip::ListenConfig to_listen(const SipEndpoint& from, const std::string& advertise);

/// The key that signs SIP routes.
std::variant<KeptKey, std::string> signing_key_of(const Config& config);

}  // namespace ringtrace::gateway
