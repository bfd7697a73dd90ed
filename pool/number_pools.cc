#include "pool/number_pools.h"

#include <mutex>
#include <random>
#include <utility>
#include <vector>

#include "pool/caller_table.h"
#include "pool/check_config.h"
#include "pool/lending_pool.h"
#include "pool/number_directory.h"
#include "pool/resolve.h"

namespace ringtrace::pool {
namespace {

SipKey key_of(const PoolsConfig& config) {
  if (config.hash_key[0] != 0 || config.hash_key[1] != 0) return {config.hash_key[0], config.hash_key[1]};
  std::random_device random;
  const auto word = [&random] { return (std::uint64_t{random()} << 32) | random(); };
  return {word(), word()};
}

std::size_t directory_size(const PoolsConfig& config) {
  std::size_t size = 0;
  for (const PoolConfig& pool : config.pools) {
    size += LendingPool::capacity(pool) + pool.static_numbers.size() + pool.source_fallbacks.size() + 1;
  }
  return size;
}

}  // namespace

/// Everything behind one lock.
struct NumberPools::State {
  explicit State(const PoolsConfig& config)
      : key(key_of(config)),
        caller_memory(config.caller_memory),
        arena(config.attribute_bytes),
        directory(directory_size(config)),
        callers(config.known_callers) {
    pools.reserve(config.pools.size());
    for (const PoolConfig& pool : config.pools) {
      const auto index = static_cast<std::uint32_t>(pools.size());
      pools.push_back(std::make_unique<LendingPool>(pool, PoolIndex{index}, key, arena));
      fill(index);
    }
  }

  void fill(std::uint32_t index) {
    LendingPool& pool = *pools[index];
    const PoolConfig& config = pool.config();
    for (const Number number : config.numbers) {
      directory.insert({number, index, *pool.add_number(number), NumberRole::kDynamic});
    }
    std::uint32_t place = 0;
    for (const SourceNumber& own : config.static_numbers) {
      directory.insert({own.number, index, place++, NumberRole::kStatic});
    }
    place = 0;
    for (const SourceNumber& own : config.source_fallbacks) {
      directory.insert({own.number, index, place++, NumberRole::kSourceFallback});
    }
    if (config.fallback) directory.insert({config.fallback, index, 0, NumberRole::kFallback});
  }

  /// The pool's own number's slot; none when the number is not one that this pool lends.
  std::optional<std::uint32_t> slot_of(PoolIndex pool, Number number) const {
    const DirectoryEntry& entry = directory.find(number);
    if (!number || entry.role != NumberRole::kDynamic || entry.pool != pool.value) return std::nullopt;
    return entry.place;
  }

  std::uint64_t caller_hash(std::uint32_t pool, Number caller) const {
    return siphash(key, pool, caller.digits());
  }

  std::uint64_t visitor_hash(const Record& record) const {
    return record.visitor.empty() ? 0 : siphash(key, record.visitor.view());
  }

  const KnownCaller* known_caller(std::uint32_t pool, const ResolveQuery& query) const {
    if (!query.caller) return nullptr;
    const KnownCaller* known = callers.find(caller_hash(pool, query.caller));
    const bool fresh = known != nullptr && query.at - known->seen <= caller_memory;
    return fresh ? known : nullptr;
  }

  Resolution resolve(const ResolveQuery& query) const;
  void learn(const ResolveQuery& query, const Resolution& resolution);

  mutable std::mutex mutex;
  const SipKey key;
  const Duration caller_memory;
  AttributeArena arena;
  NumberDirectory directory;
  CallerTable callers;
  std::vector<std::unique_ptr<LendingPool>> pools;
  std::array<std::uint64_t, kResolutionMethods> resolutions{};
};

Resolution NumberPools::State::resolve(const ResolveQuery& query) const {
  Resolution answer;
  const DirectoryEntry& entry = directory.find(query.dialed);
  if (!query.dialed || entry.role == NumberRole::kNone) return answer;
  const LendingPool& pool = *pools[entry.pool];
  answer.pool = pool.config().name;
  switch (entry.role) {
    case NumberRole::kDynamic: {
      const Slot& slot = pool.slot(entry.place);
      resolve_lent(slot, pool.config(), known_caller(entry.pool, query),
                   slot.ever_lent ? visitor_hash(slot.record()) : 0, query.at, answer);
      break;
    }
    case NumberRole::kStatic:
    case NumberRole::kSourceFallback:
      answer.method = ResolutionMethod::kStaticSource;
      answer.source = (entry.role == NumberRole::kStatic ? pool.config().static_numbers
                                                         : pool.config().source_fallbacks)[entry.place]
                          .source;
      answer.confidence = 1;
      break;
    default:
      answer.method = ResolutionMethod::kFallback;
  }
  return answer;
}

void NumberPools::State::learn(const ResolveQuery& query, const Resolution& resolution) {
  ++resolutions[static_cast<std::size_t>(resolution.method)];
  const DirectoryEntry& entry = directory.find(query.dialed);
  if (!query.caller || resolution.visit.empty() || entry.role != NumberRole::kDynamic) return;
  KnownCaller known;
  known.caller = caller_hash(entry.pool, query.caller);
  known.seen = query.at;
  if (resolution.method == ResolutionMethod::kReturningCaller) {
    if (const KnownCaller* before = callers.find(known.caller)) {
      known = *before;
      known.seen = std::max(known.seen, query.at);
    }
  }
  if (known.visit.visit.empty()) {
    for (const Candidate& candidate : resolution.candidates()) {
      if (candidate.visit == resolution.visit && known.visit.visit.empty()) known.visit = candidate;
    }
    const Slot& slot = pools[entry.pool]->slot(entry.place);
    if (slot.ever_lent && slot.record().visit == resolution.visit)
      known.visitor = visitor_hash(slot.record());
  }
  if (!known.visit.visit.empty()) callers.put(known);
}

std::variant<std::unique_ptr<NumberPools>, std::string> NumberPools::create(const PoolsConfig& config) {
  if (auto mistake = find_mistake(config)) return *std::move(mistake);
  return std::unique_ptr<NumberPools>(new NumberPools(std::make_unique<State>(config)));
}

NumberPools::NumberPools(std::unique_ptr<State> state) : state_(std::move(state)) {}
NumberPools::~NumberPools() = default;

std::optional<PoolIndex> NumberPools::find(std::string_view name) const {
  for (std::size_t i = 0; i < state_->pools.size(); ++i) {
    if (state_->pools[i]->config().name.view() == name) return PoolIndex{static_cast<std::uint32_t>(i)};
  }
  return std::nullopt;
}

std::size_t NumberPools::pool_count() const { return state_->pools.size(); }
const PoolConfig& NumberPools::config(PoolIndex pool) const { return state_->pools.at(pool.value)->config(); }

Reservation NumberPools::reserve(PoolIndex pool, const VisitView& visit, Duration ttl,
                                 AdmissionClass admission, Time now) {
  const std::lock_guard lock(state_->mutex);
  return state_->pools.at(pool.value)->reserve(visit, ttl, admission, now);
}

bool NumberPools::commit(const Ticket& ticket, bool durable, Time now) {
  const std::lock_guard lock(state_->mutex);
  return state_->pools.at(ticket.pool.value)->commit(ticket, durable, now);
}

bool NumberPools::cancel(const Ticket& ticket, Time now) {
  const std::lock_guard lock(state_->mutex);
  return state_->pools.at(ticket.pool.value)->cancel(ticket, now);
}

bool NumberPools::hold_back(const Ticket& ticket, Time now) {
  const std::lock_guard lock(state_->mutex);
  return state_->pools.at(ticket.pool.value)->hold_back(ticket, now);
}

void NumberPools::set_durable(const Ticket& ticket, Time expire, bool durable) {
  const std::lock_guard lock(state_->mutex);
  state_->pools.at(ticket.pool.value)->set_durable(ticket, expire, durable);
}

std::optional<LeaseView> NumberPools::renew(PoolIndex pool, std::string_view visit_id, Time expire,
                                            Time now) {
  const std::lock_guard lock(state_->mutex);
  return state_->pools.at(pool.value)->renew(visit_id, expire, now);
}

std::optional<LeaseView> NumberPools::release(PoolIndex pool, std::string_view visit_id, Time now) {
  const std::lock_guard lock(state_->mutex);
  return state_->pools.at(pool.value)->release(visit_id, now);
}

std::optional<LeaseView> NumberPools::find_lease(PoolIndex pool, std::string_view visit_id, Time now) const {
  const std::lock_guard lock(state_->mutex);
  return state_->pools.at(pool.value)->find_lease(visit_id, now);
}

std::size_t NumberPools::advance(Time now, std::span<LeaseView> ended) {
  const std::lock_guard lock(state_->mutex);
  std::size_t count = 0;
  for (const auto& pool : state_->pools) count += pool->advance(now, ended.subspan(count));
  return count;
}

std::size_t NumberPools::scan(PoolIndex pool, std::uint32_t& from, bool only_nondurable,
                              std::span<LeaseView> out) const {
  const std::lock_guard lock(state_->mutex);
  return state_->pools.at(pool.value)->scan(from, only_nondurable, out);
}

std::size_t NumberPools::untold_ends(PoolIndex pool, Number number, std::span<LeaseView> out) const {
  const std::lock_guard lock(state_->mutex);
  const auto slot = state_->slot_of(pool, number);
  return slot ? state_->pools.at(pool.value)->untold_ends(*slot, out) : 0;
}

RestoreOutcome NumberPools::restore(PoolIndex pool, const StoredLease& lease, Time now) {
  const std::lock_guard lock(state_->mutex);
  const auto slot = state_->slot_of(pool, lease.number);
  if (!slot || !is_valid_visit_id(lease.visit.visit_id)) return RestoreOutcome::kForeign;
  return state_->pools.at(pool.value)->restore(*slot, lease, now);
}

std::size_t NumberPools::add_numbers(PoolIndex pool, std::span<const Number> numbers) {
  const std::lock_guard lock(state_->mutex);
  LendingPool& own = *state_->pools.at(pool.value);
  std::size_t added = 0;
  for (const Number number : numbers) {
    if (!number) continue;
    if (const auto slot = state_->slot_of(pool, number)) {
      added += own.undrain(*slot) ? 1U : 0U;
    } else if (state_->directory.find(number).role == NumberRole::kNone) {
      const auto fresh = own.add_number(number);
      if (fresh)
        added += state_->directory.insert({number, pool.value, *fresh, NumberRole::kDynamic}) ? 1U : 0U;
    }
  }
  return added;
}

std::size_t NumberPools::drain_numbers(PoolIndex pool, std::span<const Number> numbers) {
  const std::lock_guard lock(state_->mutex);
  std::size_t drained = 0;
  for (const Number number : numbers) {
    const auto slot = state_->slot_of(pool, number);
    if (slot && state_->pools.at(pool.value)->drain(*slot)) ++drained;
  }
  return drained;
}

Resolution NumberPools::resolve(const ResolveQuery& query) const {
  const std::lock_guard lock(state_->mutex);
  return state_->resolve(query);
}

void NumberPools::observe_call(const ResolveQuery& query, const Resolution& resolution) {
  const std::lock_guard lock(state_->mutex);
  state_->learn(query, resolution);
}

std::optional<std::string> NumberPools::attributes(Number dialed, const VisitId& visit) const {
  const std::lock_guard lock(state_->mutex);
  const DirectoryEntry& entry = state_->directory.find(dialed);
  if (!dialed || entry.role != NumberRole::kDynamic) return std::nullopt;
  return state_->pools[entry.pool]->attributes(entry.place, visit);
}

PoolCounts NumberPools::counts(PoolIndex pool, Time now) const {
  const std::lock_guard lock(state_->mutex);
  return state_->pools.at(pool.value)->counts(now);
}

PoolTotals NumberPools::totals(PoolIndex pool) const {
  const std::lock_guard lock(state_->mutex);
  return state_->pools.at(pool.value)->totals();
}

std::array<std::uint64_t, kResolutionMethods> NumberPools::resolutions() const {
  const std::lock_guard lock(state_->mutex);
  return state_->resolutions;
}

std::size_t NumberPools::shown(PoolIndex pool, std::span<ShownCount> out) const {
  const std::lock_guard lock(state_->mutex);
  return state_->pools.at(pool.value)->shown(out);
}

std::size_t NumberPools::memory_bytes() const {
  std::size_t bytes =
      state_->arena.memory_bytes() + state_->directory.memory_bytes() + state_->callers.memory_bytes();
  for (const auto& pool : state_->pools) bytes += pool->memory_bytes();
  return bytes;
}

}  // namespace ringtrace::pool
