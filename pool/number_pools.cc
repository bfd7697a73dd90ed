#include "pool/number_pools.h"

#include <atomic>
#include <random>
#include <utility>

#include "pool/check_config.h"
#include "pool/pool_set.h"

namespace ringtrace::pool {
namespace {

SipKey key_of(const PoolsConfig& config) {
  if (config.hash_key[0] != 0 || config.hash_key[1] != 0) return {config.hash_key[0], config.hash_key[1]};
  std::random_device random;
  const auto word = [&random] { return (std::uint64_t{random()} << 32) | random(); };
  return {word(), word()};
}

}  // namespace

struct NumberPools::State : PoolSet<std::atomic> {
  using PoolSet::PoolSet;
};

std::variant<std::unique_ptr<NumberPools>, std::string> NumberPools::create(const PoolsConfig& config) {
  if (auto mistake = find_mistake(config)) return *std::move(mistake);
  return std::unique_ptr<NumberPools>(new NumberPools(std::make_unique<State>(config, key_of(config))));
}

NumberPools::NumberPools(std::unique_ptr<State> state) : state_(std::move(state)) {}
NumberPools::~NumberPools() = default;

std::optional<PoolIndex> NumberPools::find(std::string_view name) const {
  for (std::uint32_t i = 0; i < state_->pool_count(); ++i) {
    if (state_->pool(PoolIndex{i}).config().name.view() == name) return PoolIndex{i};
  }
  return std::nullopt;
}

std::size_t NumberPools::pool_count() const { return state_->pool_count(); }
const PoolConfig& NumberPools::config(PoolIndex pool) const { return state_->pool(pool).config(); }

// The operations of the path, each in one piece: what their steps have in common is computed once, and what
// is rare in them stays a call (noinline).

[[gnu::flatten]] Reservation NumberPools::reserve(PoolIndex pool, const VisitView& visit, Duration ttl,
                                                  AdmissionClass admission, Time now) {
  return state_->pool(pool).reserve(visit, ttl, admission, now);
}

[[gnu::flatten]] bool NumberPools::commit(const Ticket& ticket, bool durable, Time now) {
  return state_->pool(ticket.pool).commit(ticket, durable, now);
}

bool NumberPools::cancel(const Ticket& ticket, Time now) {
  return state_->pool(ticket.pool).cancel(ticket, now);
}

bool NumberPools::hold_back(const Ticket& ticket, Time now) {
  return state_->pool(ticket.pool).hold_back(ticket, now);
}

void NumberPools::set_durable(const Ticket& ticket, Time expire, bool durable) {
  state_->pool(ticket.pool).set_durable(ticket, expire, durable);
}

[[gnu::flatten]] std::optional<LeaseView> NumberPools::renew(PoolIndex pool, std::string_view visit_id,
                                                             Time expire, Time now) {
  return state_->pool(pool).renew(visit_id, expire, now);
}

[[gnu::flatten]] std::optional<LeaseView> NumberPools::release(PoolIndex pool, std::string_view visit_id,
                                                               Time now) {
  return state_->pool(pool).release(visit_id, now);
}

std::optional<LeaseView> NumberPools::find_lease(PoolIndex pool, std::string_view visit_id, Time now) const {
  return state_->pool(pool).find_lease(visit_id, now);
}

std::size_t NumberPools::advance(Time now, std::span<LeaseView> ended) {
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < state_->pool_count(); ++i) {
    count += state_->pool(PoolIndex{i}).advance(now, ended.subspan(count));
  }
  return count;
}

std::size_t NumberPools::scan(PoolIndex pool, std::uint32_t& from, bool only_nondurable,
                              std::span<LeaseView> out) const {
  return state_->pool(pool).scan(from, only_nondurable, out);
}

std::size_t NumberPools::untold_ends(PoolIndex pool, Number number, std::span<LeaseView> out) const {
  const auto slot = state_->slot_of(pool, number);
  return slot ? state_->pool(pool).untold_ends(*slot, out) : 0;
}

RestoreOutcome NumberPools::restore(PoolIndex pool, const StoredLease& lease, Time now) {
  const auto slot = state_->slot_of(pool, lease.number);
  if (!slot || !is_valid_visit_id(lease.visit.visit_id)) return RestoreOutcome::kForeign;
  return state_->pool(pool).restore(*slot, lease, now);
}

std::size_t NumberPools::add_numbers(PoolIndex pool, std::span<const Number> numbers) {
  return state_->add_numbers(pool, numbers);
}

std::size_t NumberPools::drain_numbers(PoolIndex pool, std::span<const Number> numbers) {
  std::size_t drained = 0;
  for (const Number number : numbers) {
    const auto slot = state_->slot_of(pool, number);
    if (slot && state_->pool(pool).drain(*slot)) ++drained;
  }
  return drained;
}

[[gnu::flatten]] Resolution NumberPools::resolve(const ResolveQuery& query) const {
  Resolution answer;
  state_->resolve(query, answer);
  return answer;
}

void NumberPools::observe_call(const ResolveQuery& query, const Resolution& resolution) {
  state_->observe_call(query, resolution);
}

void NumberPools::forget_caller(Number caller) { state_->forget_caller(caller); }

std::optional<std::string> NumberPools::attributes(Number dialed, const VisitId& visit) const {
  return state_->attributes(dialed, visit);
}

VisitorId NumberPools::visitor(Number dialed, const VisitId& visit) const {
  return state_->visitor(dialed, visit);
}

PoolCounts NumberPools::counts(PoolIndex pool, Time now) const { return state_->pool(pool).counts(now); }

PoolTotals NumberPools::totals(PoolIndex pool) const { return state_->pool(pool).totals(); }

std::array<std::uint64_t, kResolutionMethods> NumberPools::resolutions() const {
  return state_->resolutions();
}

std::size_t NumberPools::shown(PoolIndex pool, std::span<ShownCount> out) const {
  return state_->shown(pool, out);
}

std::size_t NumberPools::memory_bytes() const { return state_->memory_bytes(); }

}  // namespace ringtrace::pool
