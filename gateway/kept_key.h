#pragma once

#include <string>
#include <variant>

namespace ringtrace::gateway {

/// A secret of the gateway.
struct KeptKey {
  std::string key;
  bool lasting = false;  ///< the next process will have the same
};

/// The configured key, or the one kept in `file` of the state directory, made at the first start; a random
/// one when there is neither (both empty). The text says what is wrong.
std::variant<KeptKey, std::string> kept_key(const std::string& configured, const std::string& state_directory,
                                            const char* file);

}  // namespace ringtrace::gateway
