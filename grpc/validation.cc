#include "grpc/validation.h"

#include <algorithm>
#include <string>

#include "pool/visit.h"
#include "proto/from_pool.h"

namespace ringtrace::rpc {
namespace {

// google/protobuf/timestamp.proto and duration.proto.
constexpr std::int64_t kLeastTimestampSeconds = -62'135'596'800;
constexpr std::int64_t kGreatestTimestampSeconds = 253'402'300'799;
constexpr std::int64_t kGreatestDurationSeconds = 315'576'000'000;
constexpr std::int32_t kNanosPerSecond = 1'000'000'000;

constexpr std::string_view kTtlRange = "between 1 second and 30 days";

using Texts = google::protobuf::Map<std::string, std::string>;

/// The entry of a map that has more bytes than all attributes may have.
Outcome check_entries(std::string_view field, const Texts& texts) {
  for (const auto& [key, text] : texts) {
    const std::size_t bytes = key.size() + text.size();
    if (bytes > pool::kMaxAttributesBytes) {
      return field_too_long(element(field, key), bytes, pool::kMaxAttributesBytes);
    }
  }
  return std::nullopt;
}

/// Names the entry of a map that alone is too long; else, what is too long is all of it.
Outcome check_attributes(const v1::VisitAttributes& attributes) {
  const std::size_t bytes = attributes.ByteSizeLong();
  if (bytes <= pool::kMaxAttributesBytes) return std::nullopt;
  if (Outcome error = check_entries("visit.attributes.click_ids", attributes.click_ids())) return error;
  if (Outcome error = check_entries("visit.attributes.extra", attributes.extra())) return error;
  return field_too_long("visit.attributes", bytes, pool::kMaxAttributesBytes);
}

}  // namespace

Checked<pool::PoolIndex> check_pool(const pool::NumberPools& pools, std::string_view field,
                                    std::string_view resource) {
  if (resource.empty()) return field_required(field);
  const std::string_view name = pool_name_of(resource);
  if (name.empty()) return field_malformed(field, kPoolForm, resource);
  const std::optional<pool::PoolIndex> index = pools.find(name);
  if (!index) return pool_not_found(name);
  return *index;
}

Outcome check_visit_id(std::string_view field, std::string_view visit_id) {
  if (visit_id.empty()) return field_required(field);
  if (visit_id.size() > pool::VisitId::kMaxBytes) {
    return field_too_long(field, visit_id.size(), pool::VisitId::kMaxBytes);
  }
  if (!pool::is_valid_visit_id(visit_id)) return field_malformed(field, "free of control characters");
  return std::nullopt;
}

Outcome check_visit(const v1::Visit& visit) {
  if (Outcome error = check_visit_id("visit.visit_id", visit.visit_id())) return error;
  const std::string& visitor = visit.visitor_id();
  if (visitor.size() > pool::VisitorId::kMaxBytes) {
    return field_too_long("visit.visitor_id", visitor.size(), pool::VisitorId::kMaxBytes);
  }
  if (!pool::is_valid_visitor_id(visitor)) {
    return field_malformed("visit.visitor_id", "free of control characters");
  }
  return check_attributes(visit.attributes());
}

Outcome check_request_id(std::string_view request_id) {
  if (request_id.size() > kMaxRequestIdBytes) {
    return field_too_long("request_id", request_id.size(), kMaxRequestIdBytes);
  }
  if (!request_id.empty() && !pool::is_valid_visit_id(request_id)) {
    return field_malformed("request_id", "free of control characters");
  }
  return std::nullopt;
}

Checked<pool::Number> check_number(std::string_view field, std::string_view text) {
  if (text.empty()) return field_required(field);
  const std::optional<pool::Number> number = pool::Number::parse(text);
  if (!number) return field_malformed(field, "a number in E.164, such as +74950000001", text);
  return *number;
}

Checked<pool::Time> check_time(std::string_view field, const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() < kLeastTimestampSeconds || timestamp.seconds() > kGreatestTimestampSeconds ||
      timestamp.nanos() < 0 || timestamp.nanos() >= kNanosPerSecond) {
    return field_malformed(field, "an instant of the years 1 to 9999");
  }
  return from_timestamp(timestamp);
}

Checked<pool::Duration> check_duration(std::string_view field, const google::protobuf::Duration& duration) {
  const bool signs_differ =
      (duration.seconds() > 0 && duration.nanos() < 0) || (duration.seconds() < 0 && duration.nanos() > 0);
  if (duration.seconds() < -kGreatestDurationSeconds || duration.seconds() > kGreatestDurationSeconds ||
      duration.nanos() <= -kNanosPerSecond || duration.nanos() >= kNanosPerSecond || signs_differ) {
    return field_malformed(field, "a length of time of at most 10000 years");
  }
  return pool::Duration(std::chrono::seconds(duration.seconds())) +
         std::chrono::ceil<pool::Duration>(std::chrono::nanoseconds(duration.nanos()));
}

Checked<pool::Duration> check_ttl(const google::protobuf::Duration& ttl) {
  Checked<pool::Duration> checked = check_duration("ttl", ttl);
  if (const auto* length = std::get_if<pool::Duration>(&checked)) {
    if (*length < kMinTtl || *length > kMaxTtl) return field_out_of_range("ttl", kTtlRange);
  }
  return checked;
}

Checked<pool::Duration> check_expire_time(const google::protobuf::Timestamp& expire_time, pool::Time now) {
  Checked<pool::Time> checked = check_time("expire_time", expire_time);
  if (const Error* error = std::get_if<Error>(&checked)) return *error;
  const pool::Duration left = std::get<pool::Time>(checked) - now;
  if (left <= pool::Duration::zero()) return time_not_in_future("expire_time");
  if (left > kMaxTtl) return field_out_of_range("expire_time", "at most 30 days from now");
  return std::max(left, kMinTtl);
}

}  // namespace ringtrace::rpc
