#include "grpc/lease_core.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "grpc/validation.h"
#include "proto/from_pool.h"

namespace ringtrace::rpc {
namespace {

using pool::LeaseAnswer;
using pool::LeaseStatus;
using pool::PoolIndex;

/// Parameters that ad networks put on the landing URL of a paid click.
constexpr std::array<std::string_view, 11> kPaidClickIds = {"gclid",  "gbraid", "wbraid",   "dclid",
                                                            "yclid",  "ysclid", "fbclid",   "msclkid",
                                                            "ttclid", "twclid", "li_fat_id"};

/// How soon an exhausted pool is worth asking again: numbers come back all the time, but not at once.
constexpr pool::Duration kExhaustedRetry = std::chrono::seconds(5);

void set_duration(google::protobuf::Duration& message, pool::Duration duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  message.set_seconds(seconds.count());
  message.set_nanos(static_cast<std::int32_t>(std::chrono::nanoseconds(duration - seconds).count()));
}

/// AIP-122: what may stand in a segment of a resource name.
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      result += c;
    } else {
      result += '%';
      result += kHex[byte >> 4U];
      result += kHex[byte & 0x0FU];
    }
  }
  return result;
}

void set_number(v1::Lease& message, pool::Number number, NumberFormats& formats) {
  NumberTexts texts = formats.of(number);
  message.set_number(number.to_string());
  message.mutable_formats()->set_national(std::move(texts.national));
  message.mutable_formats()->set_international(std::move(texts.international));
  message.mutable_formats()->set_uri(std::move(texts.uri));
}

/// The lease as the pool has it, with the attributes memory keeps for the visit.
void fill_lease(v1::Lease& message, pool::Leasing& leasing, NumberFormats& formats, PoolIndex index,
                const LeaseAnswer& answer) {
  const pool::NumberPools& pools = leasing.pools();
  const pool::LeaseView& lease = answer.lease;
  message.set_name(pool_resource(pools.config(index).name.view()) + "/leases/" +
                   percent_encoded(lease.visit.view()));
  message.mutable_visit()->set_visit_id(lease.visit.to_string());
  message.mutable_visit()->set_visitor_id(pools.visitor(lease.number, lease.visit).to_string());
  if (const auto attributes = pools.attributes(lease.number, lease.visit)) {
    message.mutable_visit()->mutable_attributes()->ParseFromString(*attributes);
  }
  set_number(message, lease.number, formats);
  message.set_kind(v1::NUMBER_KIND_DYNAMIC);
  *message.mutable_start_time() = to_timestamp(lease.start);
  *message.mutable_expire_time() = to_timestamp(lease.expire);
  const pool::Duration left = std::max(lease.expire - leasing.clock().now(), pool::Duration::zero());
  set_duration(*message.mutable_renew_interval(), renew_interval(left));
  message.set_durable(lease.durable);
  if (answer.idle) set_duration(*message.mutable_idle_duration(), *answer.idle);
  message.set_source(lease.source.to_string());
}

/// A number that many may be shown, static or fallback: held by nobody, so without name, times or renewals.
void fill_shared(v1::Lease& message, v1::NumberKind kind, const v1::Visit& visit, std::string_view source,
                 pool::Number number, NumberFormats& formats) {
  *message.mutable_visit() = visit;
  set_number(message, number, formats);
  message.set_kind(kind);
  message.set_source(pool::Source::cut(source).to_string());
}

/// What an answer without a number means to the client.
Error refusal(LeaseStatus status, std::string_view pool_name, std::string_view visit_id) {
  switch (status) {
    case LeaseStatus::kNotFound:
      return lease_not_found(pool_name, visit_id);
    case LeaseStatus::kExhausted:
    case LeaseStatus::kFallback:
      return pool_exhausted(pool_name, kExhaustedRetry);
    case LeaseStatus::kBusy:
      return store_busy(pool_name);
    case LeaseStatus::kLeased:
    case LeaseStatus::kStoreUnavailable:
      break;
  }
  return store_unavailable(pool_name);
}

std::variant<pool::AdmissionClass, Error> check_admission(const v1::LeaseNumberRequest& request) {
  switch (request.admission_class()) {
    case v1::ADMISSION_CLASS_UNSPECIFIED:
      return admission_of(request.visit().attributes());
    case v1::ADMISSION_CLASS_NORMAL:
      return pool::AdmissionClass::kNormal;
    case v1::ADMISSION_CLASS_VALUABLE:
      return pool::AdmissionClass::kValuable;
    case v1::ADMISSION_CLASS_BOT:
      return pool::AdmissionClass::kBot;
    default:
      return field_malformed("admission_class", "an AdmissionClass");
  }
}

/// The pool and visit that renew, release and get name alike.
template <typename Request>
Checked<PoolIndex> check_pool_and_visit(const pool::NumberPools& pools, const Request& request) {
  Checked<PoolIndex> pool = check_pool(pools, "parent", request.parent());
  if (std::holds_alternative<Error>(pool)) return pool;
  if (Outcome error = check_visit_id("visit_id", request.visit_id())) return *std::move(error);
  if constexpr (requires { request.request_id(); }) {
    if (Outcome error = check_request_id(request.request_id())) return *std::move(error);
  }
  return pool;
}

}  // namespace

pool::Duration renew_interval(pool::Duration ttl) {
  return std::clamp<pool::Duration>(ttl / 3, std::chrono::seconds(5), std::chrono::minutes(5));
}

pool::AdmissionClass admission_of(const v1::VisitAttributes& attributes) {
  if (attributes.click_ids().empty()) return pool::AdmissionClass::kNormal;
  const bool paid = std::any_of(kPaidClickIds.begin(), kPaidClickIds.end(), [&](std::string_view id) {
    const auto found = attributes.click_ids().find(std::string(id));
    return found != attributes.click_ids().end() && !found->second.empty();
  });
  return paid ? pool::AdmissionClass::kValuable : pool::AdmissionClass::kNormal;
}

LeaseCore::LeaseCore(pool::Leasing& leasing) : leasing_(leasing) {
  for (std::uint32_t i = 0; i < leasing.pools().pool_count(); ++i) {
    StaticNumbers& numbers = static_numbers_.emplace_back();
    for (const pool::SourceNumber& own : leasing.pools().config({i}).static_numbers) {
      numbers.try_emplace(own.source.to_string(), own.number);
    }
  }
}

/// The number that visits of the source are shown; none when they are lent one each.
std::optional<pool::Number> LeaseCore::static_number(PoolIndex pool, std::string_view source) const {
  const StaticNumbers& numbers = static_numbers_[pool.value];
  if (numbers.empty()) return std::nullopt;
  const auto found = numbers.find(source);
  return found == numbers.end() ? std::nullopt : std::optional(found->second);
}

/// Completes a request for the lease a visit holds already.
void LeaseCore::finish_held(PoolIndex pool, std::string_view visit_id, const LeaseAnswer& answer,
                            v1::Lease& lease, const Done& done) {
  if (answer.status != LeaseStatus::kLeased) {
    return done(refusal(answer.status, leasing_.pools().config(pool).name.view(), visit_id));
  }
  fill_lease(lease, leasing_, formats_, pool, answer);
  done(std::nullopt);
}

void LeaseCore::lease_number(const v1::LeaseNumberRequest& request, v1::LeaseNumberResponse& response,
                             Done done) {
  const Checked<PoolIndex> pool = check_pool(leasing_.pools(), "parent", request.parent());
  if (const Error* error = std::get_if<Error>(&pool)) return done(*error);
  if (Outcome error = check_visit(request.visit())) return done(error);
  if (Outcome error = check_request_id(request.request_id())) return done(error);
  const auto admission = check_admission(request);
  if (const Error* error = std::get_if<Error>(&admission)) return done(*error);
  const auto ttl = check_expiration(request, leasing_.clock().now());
  if (const Error* error = std::get_if<Error>(&ttl)) return done(*error);

  const v1::Visit& visit = request.visit();
  const std::string attributes = visit.attributes().SerializeAsString();
  const std::string source = source_label(visit.attributes());
  const PoolIndex index = std::get<PoolIndex>(pool);
  // A bot is shown what it is always shown: a static number would count it as its source's.
  const auto shared = std::get<pool::AdmissionClass>(admission) == pool::AdmissionClass::kBot
                          ? std::nullopt
                          : static_number(index, source);
  if (shared) {
    fill_shared(*response.mutable_lease(), v1::NUMBER_KIND_STATIC, visit, source, *shared, formats_);
    return done(std::nullopt);
  }
  leasing_.lease(index, {visit.visit_id(), visit.visitor_id(), source, attributes},
                 std::get<std::optional<pool::Duration>>(ttl), std::get<pool::AdmissionClass>(admission),
                 [this, index, source, &visit, &response, done = std::move(done)](const LeaseAnswer& answer) {
                   if (answer.status == LeaseStatus::kFallback) {
                     fill_shared(*response.mutable_lease(), v1::NUMBER_KIND_FALLBACK, visit, source,
                                 answer.number, formats_);
                     return done(std::nullopt);
                   }
                   finish_held(index, visit.visit_id(), answer, *response.mutable_lease(), done);
                 });
}

void LeaseCore::renew_lease(const v1::RenewLeaseRequest& request, v1::RenewLeaseResponse& response,
                            Done done) {
  const Checked<PoolIndex> pool = check_pool_and_visit(leasing_.pools(), request);
  if (const Error* error = std::get_if<Error>(&pool)) return done(*error);
  const auto ttl = check_expiration(request, leasing_.clock().now());
  if (const Error* error = std::get_if<Error>(&ttl)) return done(*error);

  const PoolIndex index = std::get<PoolIndex>(pool);
  leasing_.renew(index, request.visit_id(), std::get<std::optional<pool::Duration>>(ttl),
                 [this, index, &request, &response, done = std::move(done)](const LeaseAnswer& answer) {
                   finish_held(index, request.visit_id(), answer, *response.mutable_lease(), done);
                 });
}

void LeaseCore::release_lease(const v1::ReleaseLeaseRequest& request, v1::ReleaseLeaseResponse&, Done done) {
  const Checked<PoolIndex> pool = check_pool_and_visit(leasing_.pools(), request);
  if (const Error* error = std::get_if<Error>(&pool)) return done(*error);

  const PoolIndex index = std::get<PoolIndex>(pool);
  leasing_.release(
      index, request.visit_id(), [this, index, &request, done = std::move(done)](const LeaseAnswer& answer) {
        if (answer.status == LeaseStatus::kLeased) return done(std::nullopt);
        done(refusal(answer.status, leasing_.pools().config(index).name.view(), request.visit_id()));
      });
}

void LeaseCore::get_lease(const v1::GetLeaseRequest& request, v1::GetLeaseResponse& response, Done done) {
  const Checked<PoolIndex> pool = check_pool_and_visit(leasing_.pools(), request);
  if (const Error* error = std::get_if<Error>(&pool)) return done(*error);

  const PoolIndex index = std::get<PoolIndex>(pool);
  LeaseAnswer answer = leasing_.get(index, request.visit_id());
  // A lease in its hold is over for the website, whatever a call to its number is still worth.
  if (answer.status == LeaseStatus::kLeased && !answer.lease.live) answer.status = LeaseStatus::kNotFound;
  finish_held(index, request.visit_id(), answer, *response.mutable_lease(), done);
}

}  // namespace ringtrace::rpc
