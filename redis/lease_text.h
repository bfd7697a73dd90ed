#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pool/lease_store.h"
#include "redis/holder_log.h"
#include "redis/loaded_lease.h"

namespace ringtrace::redis {

/// The texts of a lease in Redis (see keys.h), written and read.

/// Blanks, control characters and percent signs as %XX; "-" for nothing, "%2D" for a lone dash.
std::string escape_word(std::string_view text);

/// The reverse; what is no escape stays as it is.
std::string unescape_word(std::string_view word);

/// A lease that stands, as it is stored.
std::string to_lease_text(const pool::LeaseRecord& record);

/// The lease of a number; none when its text is not ours. Without attributes.
std::optional<LoadedLease> parse_lease(pool::Number number, std::string_view text);

/// A former holder read from its entry in the holder log; none when it is not ours.
std::optional<Holder> parse_holder(std::string_view text);

/// Serialized ringtrace.v1.VisitAttributes as JSON; empty when there are none or they are not that.
std::string attributes_to_json(const std::string& bytes);

/// The reverse; empty when it cannot be read.
std::string attributes_from_json(const std::string& json);

}  // namespace ringtrace::redis
