#pragma once

#include <google/protobuf/util/time_util.h>

#include "gateway/ctl/commands.h"

namespace ringtrace::ctl {

/// The `expiration` of a request, as the command line gave it.
template <typename Request>
void set_expiration(Request& request, const Expiration& expiration) {
  using google::protobuf::util::TimeUtil;
  if (expiration.ttl) *request.mutable_ttl() = TimeUtil::MillisecondsToDuration(expiration.ttl->count());
  if (!expiration.expire_time.empty()) {
    TimeUtil::FromString(expiration.expire_time, request.mutable_expire_time());
  }
}

}  // namespace ringtrace::ctl
