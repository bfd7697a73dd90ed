#pragma once

#include <string>
#include <variant>

#include "gateway/config.h"
#include "sip/config.h"

namespace ringtrace::gateway {

/// The proxy's part of the configuration, signed with `signing_key`.
sip::ProxyConfig to_proxy_config(const Config& config, std::string signing_key);

/// Where to listen. The advertised address, if any, is that of the listeners of its own family.
sip::ListenConfig to_listen(const SipEndpoint& from, const std::string& advertise);

/// The key that signs SIP routes.
struct SigningKey {
  std::string key;
  bool lasting = false;  ///< the next process will have the same
};

/// The configured key, or the one kept in the state directory, made at the first start; a random one when
/// there is neither. The text says what is wrong.
std::variant<SigningKey, std::string> signing_key_of(const Config& config);

}  // namespace ringtrace::gateway
