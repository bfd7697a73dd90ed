#pragma once

#include <string>

namespace ringtrace::ctl {

/// The token to show: the first word of `file`, without one what RINGTRACE_TOKEN is; empty when there is
/// neither. std::runtime_error when the file cannot be read, or what is there is none (RFC 6750 section 2.1:
/// printable ASCII without spaces, which alone can stand in a header).
std::string shown_token(const std::string& file);

}  // namespace ringtrace::ctl
