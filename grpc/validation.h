#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <ringtrace/v1/visit.pb.h>

#include <chrono>
#include <optional>
#include <string_view>
#include <variant>

#include "grpc/errors.h"
#include "pool/number.h"
#include "pool/number_pools.h"
#include "pool/time.h"

/// What comes from outside is looked at here, before anything else touches it. Each check returns the value
/// in the pool's words, or the first thing wrong.
namespace ringtrace::rpc {

template <typename T>
using Checked = std::variant<T, Error>;

/// Limits of a lease's time, for `ttl` and for `expire_time`.
inline constexpr pool::Duration kMinTtl = std::chrono::seconds(1);
inline constexpr pool::Duration kMaxTtl = std::chrono::hours(24 * 30);

/// What a pool's resource name must be.
inline constexpr std::string_view kPoolForm =
    "pools/{pool}: 1 to 63 of a-z, 0-9 and dash, beginning with a letter";

/// The longest request id.
inline constexpr std::size_t kMaxRequestIdBytes = 64;

/// A pool by its resource name `pools/{pool}`.
Checked<pool::PoolIndex> check_pool(const pool::NumberPools& pools, std::string_view field,
                                    std::string_view resource);

/// A visit id: 1 to 128 bytes without control characters.
Outcome check_visit_id(std::string_view field, std::string_view visit_id);

/// A visit that asks for a number: its ids and the size of its attributes.
Outcome check_visit(const v1::Visit& visit);

/// A request id: at most 64 bytes without control characters.
Outcome check_request_id(std::string_view request_id);

/// A phone number in E.164.
Checked<pool::Number> check_number(std::string_view field, std::string_view text);

/// An instant that a Timestamp can name: years 1 to 9999.
Checked<pool::Time> check_time(std::string_view field, const google::protobuf::Timestamp& timestamp);

/// A length of time of at most 10,000 years, in whole milliseconds; a part of one counts as one, so that no
/// positive length becomes zero.
Checked<pool::Duration> check_duration(std::string_view field, const google::protobuf::Duration& duration);

/// A `ttl` within the limits.
Checked<pool::Duration> check_ttl(const google::protobuf::Duration& ttl);

/// An `expire_time` in the future and within the limits, as the time left from `now`.
Checked<pool::Duration> check_expire_time(const google::protobuf::Timestamp& expire_time, pool::Time now);

/// The `expiration` of a request: none when it names none.
template <typename Request>
Checked<std::optional<pool::Duration>> check_expiration(const Request& request, pool::Time now) {
  Checked<pool::Duration> checked = pool::Duration::zero();
  if (request.has_ttl()) {
    checked = check_ttl(request.ttl());
  } else if (request.has_expire_time()) {
    checked = check_expire_time(request.expire_time(), now);
  } else {
    return std::optional<pool::Duration>();
  }
  if (const Error* error = std::get_if<Error>(&checked)) return *error;
  return std::optional(std::get<pool::Duration>(checked));
}

}  // namespace ringtrace::rpc
