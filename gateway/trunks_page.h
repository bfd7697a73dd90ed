#pragma once

#include <string>

#include "sip/peer_report.h"

namespace ringtrace::gateway {

/// The page /trunks: how trunks and lines are doing, as JSON: {"trunks": [{"trunk", "state", "registrar",
/// "last_status", "expires_seconds", "refreshes", "failures"}], "lines": [{"group", "line", "place", "up"}]}.
/// A trunk known by its addresses alone has the state "addresses".
std::string trunks_page(const sip::PeerReport& report);

}  // namespace ringtrace::gateway
