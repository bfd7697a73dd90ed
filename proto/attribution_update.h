#pragma once

#include <ringtrace/v1/call.pb.h>

#include <cstdint>

#include "pool/time.h"

namespace ringtrace {

/// The event that tells a better answer to who made a call. `latest` is any event of the call, best its
/// newest: the call is told as it stood there, with `better` as its resolution. `revision` counts the call's
/// updates from 1 and makes the event's id, so that the same update told twice is kept once.
v1::CallEvent attribution_updated(const v1::CallEvent& latest, v1::Resolution better, std::int32_t revision,
                                  pool::Time at);

/// Puts the resolution of an attribution update into the newest event of the call's own: what is known of the
/// call now. An event of the call that comes after the update still carries the answer given when the call
/// came.
v1::Call with_newest_resolution(v1::Call call, const v1::CallEvent& update);

}  // namespace ringtrace
