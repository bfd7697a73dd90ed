#pragma once

#include <string>
#include <string_view>

/// How the program says what is wrong.
namespace ringtrace::ctl {

/// A complaint of the program's own, as google.rpc.Code numbers them.
enum class Complaint : int {
  kUsage = 3,         ///< INVALID_ARGUMENT
  kUnreachable = 14,  ///< UNAVAILABLE
  kNoAnswer = 13,     ///< INTERNAL: what answers is no gateway
};

/// Says it on stderr: for people in a line, with `advice` in another; as `json` a google.rpc.Status.
void complain(bool json, Complaint kind, const std::string& text, const std::string& advice = "");

/// What to do about a refusal with that reason (grpc/errors.h); empty when its message says all there is.
std::string_view advice_on(std::string_view reason);

}  // namespace ringtrace::ctl
