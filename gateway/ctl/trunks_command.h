#pragma once

#include <string>

#include "gateway/ctl/client.h"

namespace ringtrace::ctl {

/// Shows how trunks and lines are doing, from the page /trunks of the gateway's HTTP port at `http`
/// ("HOST:PORT"). Returns what to exit with.
int trunks(const Common& common, const std::string& http);

}  // namespace ringtrace::ctl
