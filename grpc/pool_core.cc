#include "grpc/pool_core.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "grpc/capacity_plan.h"
#include "grpc/validation.h"
#include "proto/from_pool.h"

namespace ringtrace::rpc {
namespace {

using google::protobuf::util::TimeUtil;
using pool::PoolIndex;

std::int64_t as_count(std::uint64_t value) { return static_cast<std::int64_t>(value); }

/// A length of visits or holds, not negative.
Checked<pool::Duration> check_length(std::string_view field, const google::protobuf::Duration& duration) {
  Checked<pool::Duration> checked = check_duration(field, duration);
  if (const auto* length = std::get_if<pool::Duration>(&checked); length && *length < length->zero()) {
    return field_out_of_range(field, "at least 0");
  }
  return checked;
}

}  // namespace

void PoolCore::fill(v1::Pool& message, PoolIndex pool) const {
  const pool::PoolConfig& config = pools_.config(pool);
  message.set_name(pool_resource(config.name.view()));
  *message.mutable_ttl() = TimeUtil::MillisecondsToDuration(config.ttl.count());
  *message.mutable_hold() = TimeUtil::MillisecondsToDuration(config.hold.count());
  if (config.on_exhausted == pool::OnExhausted::kFallback) {
    message.set_fallback_number(config.fallback.to_string());
  }
  for (const pool::SourceNumber& fallback : config.source_fallbacks) {
    (*message.mutable_source_fallback_numbers())[fallback.source.to_string()] = fallback.number.to_string();
  }

  const pool::Time now = clock_.now();
  const pool::PoolCounts counts = pools_.counts(pool, now);
  const pool::PoolTotals totals = pools_.totals(pool);
  v1::PoolCapacity& capacity = *message.mutable_capacity();
  *capacity.mutable_read_time() = to_timestamp(now);
  capacity.set_total_count(as_count(counts.total));
  capacity.set_leased_count(as_count(counts.leased));
  capacity.set_held_count(as_count(counts.held));
  capacity.set_free_count(as_count(counts.free));
  const std::uint64_t held_back = std::min(held_back_(pool), counts.reserved);
  capacity.set_reserved_count(as_count(counts.reserved - held_back));
  capacity.set_held_back_count(as_count(held_back));
  capacity.set_drained_count(as_count(counts.drained));
  capacity.set_exhausted_count(as_count(totals.fallbacks + totals.refusals));
  if (counts.oldest_idle) {
    *capacity.mutable_oldest_idle_duration() = TimeUtil::MillisecondsToDuration(counts.oldest_idle->count());
  }
  capacity.set_lease_count(as_count(totals.leases));
  capacity.set_nondurable_count(as_count(counts.nondurable));
}

Outcome PoolCore::list_pools(const v1::ListPoolsRequest& request, v1::ListPoolsResponse& response) const {
  if (request.page_size() < 0) return field_out_of_range("page_size", "at least 0");
  const std::int32_t wanted = request.page_size() == 0 ? kDefaultPageSize : request.page_size();
  const auto size = static_cast<std::size_t>(std::min(wanted, kMaxPageSize));
  // The token is the name the page before ended with: pools may come and go between pages.
  const std::string& after = request.page_token();
  if (!after.empty() && !pool::is_valid_pool_name(after)) return page_token_invalid();

  std::vector<std::pair<std::string_view, PoolIndex>> pools;
  for (std::uint32_t i = 0; i < pools_.pool_count(); ++i) {
    const std::string_view name = pools_.config(PoolIndex{i}).name.view();
    if (after.empty() || name > after) pools.emplace_back(name, PoolIndex{i});
  }
  std::sort(pools.begin(), pools.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < std::min(size, pools.size()); ++i) fill(*response.add_pools(), pools[i].second);
  if (pools.size() > size) response.set_next_page_token(std::string(pools[size - 1].first));
  return std::nullopt;
}

Outcome PoolCore::get_pool(const v1::GetPoolRequest& request, v1::GetPoolResponse& response) const {
  const Checked<PoolIndex> pool = check_pool(pools_, "name", request.name());
  if (const Error* error = std::get_if<Error>(&pool)) return *error;
  fill(*response.mutable_pool(), std::get<PoolIndex>(pool));
  return std::nullopt;
}

std::variant<std::vector<PoolIndex>, Error> PoolCore::watched_pools(
    const v1::WatchPoolsRequest& request) const {
  if (request.names_size() > kMaxPageSize) {
    return field_out_of_range("names", "at most " + std::to_string(kMaxPageSize));
  }
  std::vector<PoolIndex> pools;
  for (const std::string& name : request.names()) {
    const Checked<PoolIndex> pool = check_pool(pools_, element("names", pools.size()), name);
    if (const Error* error = std::get_if<Error>(&pool)) return *error;
    pools.push_back(std::get<PoolIndex>(pool));
  }
  for (std::uint32_t i = 0; request.names().empty() && i < pools_.pool_count(); ++i) pools.push_back({i});
  std::sort(pools.begin(), pools.end(), [](PoolIndex a, PoolIndex b) { return a.value < b.value; });
  pools.erase(std::unique(pools.begin(), pools.end()), pools.end());
  return pools;
}

Outcome PoolCore::resolve_number(const v1::ResolveNumberRequest& request,
                                 v1::ResolveNumberResponse& response) const {
  const Checked<pool::Number> dialed = check_number("dialed_number", request.dialed_number());
  if (const Error* error = std::get_if<Error>(&dialed)) return *error;
  pool::ResolveQuery query{std::get<pool::Number>(dialed), {}, clock_.now()};
  if (!request.caller().empty()) {
    const Checked<pool::Number> caller = check_number("caller", request.caller());
    if (const Error* error = std::get_if<Error>(&caller)) return *error;
    query.caller = std::get<pool::Number>(caller);
  }
  if (request.has_at_time()) {
    const Checked<pool::Time> at = check_time("at_time", request.at_time());
    if (const Error* error = std::get_if<Error>(&at)) return *error;
    query.at = std::get<pool::Time>(at);
  }
  const pool::Resolution resolution = pools_.resolve(query);
  std::string attributes;
  pool::VisitorId visitor;
  if (!resolution.visit.empty()) {
    attributes = pools_.attributes(query.dialed, resolution.visit).value_or("");
    visitor = pools_.visitor(query.dialed, resolution.visit);
  }
  *response.mutable_resolution() = to_message(resolution, visitor.view(), attributes);
  return std::nullopt;
}

Outcome PoolCore::plan_capacity(const v1::PlanCapacityRequest& request, v1::PlanCapacityResponse& response) {
  // Written so that a NaN is refused too.
  if (!(request.hourly_visits() >= 0) || std::isinf(request.hourly_visits())) {
    return field_out_of_range("hourly_visits", "at least 0");
  }
  if (!(request.exhausted_share() > 0 && request.exhausted_share() < 1)) {
    return field_out_of_range("exhausted_share", "more than 0 and less than 1");
  }
  const Checked<pool::Duration> visit = check_length("visit_duration", request.visit_duration());
  if (const Error* error = std::get_if<Error>(&visit)) return *error;
  const Checked<pool::Duration> hold = check_length("hold", request.hold());
  if (const Error* error = std::get_if<Error>(&hold)) return *error;

  const std::chrono::duration<double> taken =
      std::get<pool::Duration>(visit) + std::get<pool::Duration>(hold);
  const double erlangs = request.hourly_visits() / 3600 * taken.count();
  if (erlangs > kMaxPlannedErlangs) {
    return field_out_of_range("hourly_visits", "at most 1000000 erlangs together with the durations");
  }
  response.set_offered_erlangs(erlangs);
  response.set_number_count(numbers_needed(erlangs, request.exhausted_share()));
  return std::nullopt;
}

}  // namespace ringtrace::rpc
