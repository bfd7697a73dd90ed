#pragma once

#include <optional>
#include <string>

#include "pool/number.h"
#include "pool/time.h"

namespace ringtrace::redis {

/// A lease read back from Redis: live, in its hold, or the number's last one.
struct LoadedLease {
  pool::Number number;
  std::string visit_id;
  std::string visitor_id;
  std::string source;
  std::string attributes;  ///< serialized ringtrace.v1.VisitAttributes; empty when it brought none
  pool::Time start = pool::kNever;
  pool::Time expire = pool::kNever;
  std::optional<pool::Time> ended;  ///< when it was released or expired; none: it stands until `expire`
  pool::Duration hold{};

  /// When it ended, or will end.
  pool::Time end() const { return ended.value_or(expire); }
};

}  // namespace ringtrace::redis
