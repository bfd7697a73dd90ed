#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pool/assert.h"
#include "pool/big_array.h"
#include "pool/config.h"
#include "pool/contested_holders.h"
#include "pool/known_callers.h"
#include "pool/lag_weights.h"
#include "pool/lending_pool.h"
#include "pool/number_directory.h"
#include "pool/resolve.h"
#include "pool/source_book.h"
#include "pool/text_arena.h"
#include "pool/text_words.h"

namespace ringtrace::pool {

/// Everything behind NumberPools, with the meanings documented there; `Atom` is std::atomic but in tests,
/// which run the same code under a scheduler of their own.
///
/// The slots of all pools lie in one block, each pool's behind the other's: a number's place in the directory
/// is its slot's place in the block. Only add_numbers takes a lock, against itself; nothing else waits.
template <template <class> class Atom = std::atomic>
class PoolSet {
 public:
  /// `config` must be free of mistakes (check_config.h) and `key` secret.
  PoolSet(const PoolsConfig& config, const SipKey& key)
      : key_(key),
        caller_memory_(config.caller_memory),
        pool_count_(config.pools.size()),
        texts_(config.attribute_bytes),
        sources_(key, config.pools.size()),
        contested_(key),
        callers_(config.known_callers),
        slot_count_(slots_of(config)),
        slots_(slot_count_),
        directory_(slot_count_, fixed_numbers_of(config)) {
    std::size_t first = 0;
    for (const PoolConfig& pool : config.pools) {
      const PoolIndex index{static_cast<std::uint32_t>(pools_.size())};
      const std::size_t size = LendingPool<Atom>::capacity(pool);
      const SharedParts<Atom> shared{key_, texts_, sources_, contested_};
      const auto first_slot = static_cast<std::uint32_t>(first);
      auto lending = std::make_unique<LendingPool<Atom>>(pool, index, shared,
                                                         std::span(slots_.get() + first, size), first_slot);
      pools_.push_back({std::move(lending), first_slot, LagWeights(pool.attribution)});
      fill(index.value);
      first += size;
    }
  }

  std::size_t pool_count() const { return pool_count_; }
  LendingPool<Atom>& pool(PoolIndex index) { return *pool_at(index); }
  const LendingPool<Atom>& pool(PoolIndex index) const { return *pool_at(index); }

  /// The slot, in its pool, of a number that this pool lends; none for any other number.
  std::optional<std::uint32_t> slot_of(PoolIndex pool, Number number) const {
    const DirectoryEntry entry = find(number);
    if (entry.role != NumberRole::kDynamic || entry.pool != pool.value) return std::nullopt;
    return entry.place - pools_[entry.pool].first;
  }

  std::size_t add_numbers(PoolIndex index, std::span<const Number> numbers) {
    const std::lock_guard lock(adding_);
    std::size_t added = 0;
    for (const Number number : numbers) {
      if (!number) continue;
      if (const auto slot = slot_of(index, number)) {
        added += pool(index).undrain(*slot) ? 1U : 0U;
      } else if (find(number).role == NumberRole::kNone) {
        added += add(index.value, number) ? 1U : 0U;
      }
    }
    return added;
  }

  void resolve(const ResolveQuery& query, Resolution& answer) const;
  void observe_call(const ResolveQuery& query, const Resolution& resolution);

  std::optional<std::string> attributes(Number dialed, const VisitId& visit) const {
    const DirectoryEntry entry = find(dialed);
    if (entry.role != NumberRole::kDynamic) return std::nullopt;
    const Member& member = pools_[entry.pool];
    return member.pool->attributes(entry.place - member.first, visit);
  }

  VisitorId visitor(Number dialed, const VisitId& visit) const {
    const DirectoryEntry entry = find(dialed);
    if (entry.role != NumberRole::kDynamic) return {};
    const Member& member = pools_[entry.pool];
    return member.pool->visitor(entry.place - member.first, visit);
  }

  void forget_caller(Number caller) {
    for (std::uint32_t pool = 0; pool < pools_.size(); ++pool) callers_.forget(caller_hash(pool, caller));
  }

  std::array<std::uint64_t, kResolutionMethods> resolutions() const {
    std::array<std::uint64_t, kResolutionMethods> counts{};
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = resolutions_.sum(i);
    return counts;
  }

  std::size_t shown(PoolIndex index, std::span<ShownCount> out) const {
    return sources_.read(index.value, out);
  }

  std::size_t memory_bytes() const {
    std::size_t bytes = texts_.memory_bytes() + sources_.memory_bytes() + contested_.memory_bytes() +
                        callers_.memory_bytes() + directory_.memory_bytes();
    for (const Member& member : pools_) bytes += member.pool->memory_bytes();
    return bytes;
  }

 private:
  static std::size_t slots_of(const PoolsConfig& config) {
    std::size_t slots = 0;
    for (const PoolConfig& pool : config.pools) slots += LendingPool<Atom>::capacity(pool);
    return slots;
  }

  static std::size_t fixed_numbers_of(const PoolsConfig& config) {
    std::size_t numbers = 0;
    for (const PoolConfig& pool : config.pools) {
      numbers += pool.static_numbers.size() + pool.source_fallbacks.size() + 1;
    }
    return numbers;
  }

  struct Member {
    std::unique_ptr<LendingPool<Atom>> pool;
    std::uint32_t first;  // of its slots
    LagWeights weights;
  };

  /// Callers have their indices from `find` or from a ticket of ours.
  LendingPool<Atom>* pool_at(PoolIndex index) const {
    RINGTRACE_ASSERT(index.value < pool_count_);
    return pools_.data()[index.value].pool.get();
  }

  DirectoryEntry find(Number number) const {
    return number ? directory_.find(number, slots_.get()) : DirectoryEntry{};
  }

  bool add(std::uint32_t pool, Number number) {
    const Member& member = pools_[pool];
    const auto slot = member.pool->add_number(number);
    if (slot) directory_.insert({number, pool, member.first + *slot, NumberRole::kDynamic});
    return slot.has_value();
  }

  void fill(std::uint32_t index) {
    const PoolConfig& config = pools_[index].pool->config();
    for (const Number number : config.numbers) add(index, number);
    std::uint32_t place = 0;
    for (const SourceNumber& own : config.static_numbers) {
      directory_.insert({own.number, index, place++, NumberRole::kStatic});
    }
    place = 0;
    for (const SourceNumber& own : config.source_fallbacks) {
      directory_.insert({own.number, index, place++, NumberRole::kSourceFallback});
    }
    if (config.fallback) directory_.insert({config.fallback, index, 0, NumberRole::kFallback});
  }

  /// A pool's caller: both fit in one word (a pool has 14 bits, a number 50).
  static std::uint64_t caller_word(std::uint32_t pool, Number caller) {
    return (caller.digits() << 14) | pool;
  }
  /// Where a caller is looked for, 24 bits. Most callers are strangers, and this is all that is computed of
  /// them: two multiplications.
  std::uint32_t caller_place(std::uint32_t pool, Number caller) const {
    PlacingHash hash(key_);
    hash.add(caller_word(pool, caller));
    return static_cast<std::uint32_t>(hash.value() >> 40);
  }
  /// What a caller is told from others by: the place, and 40 bits of a hash that is proven.
  std::uint64_t caller_hash(std::uint32_t pool, Number caller) const {
    return (std::uint64_t{caller_place(pool, caller)} << 40) |
           (siphash13(key_, caller_word(pool, caller)) >> 24) | 1;
  }

  void resolve_dynamic(std::uint32_t pool, std::uint32_t place, const ResolveQuery& query,
                       Resolution& answer) const;
  [[gnu::noinline]] static void resolve_fixed(NumberRole role, const PoolConfig& pool, std::uint32_t place,
                                              Resolution& answer);
  [[gnu::noinline]] void resolve_known(const Member& member, std::uint32_t slot, std::uint64_t caller,
                                       const ResolveQuery& query, Resolution& answer) const;

  // constant after construction
  const SipKey key_;
  const Duration caller_memory_;
  const std::size_t pool_count_;
  std::vector<Member> pools_;

  // own synchronization
  TextArena<Atom> texts_;
  SourceBook<Atom> sources_;
  ContestedHolders<Atom> contested_;
  KnownCallers<Atom> callers_;
  const std::size_t slot_count_;
  const BigArray<Slot<Atom>> slots_;
  NumberDirectory<Atom> directory_;
  Tally<kResolutionMethods> resolutions_;
  std::mutex adding_;  // of numbers: held by add_numbers alone
};

template <template <class> class Atom>
void PoolSet<Atom>::resolve(const ResolveQuery& query, Resolution& answer) const {
  const DirectoryEntry entry = find(query.dialed);
  if (entry.role == NumberRole::kDynamic) [[likely]] {
    resolve_dynamic(entry.pool, entry.place, query, answer);
  } else if (entry.role != NumberRole::kNone) {
    resolve_fixed(entry.role, pools_[entry.pool].pool->config(), entry.place, answer);
  }
}

template <template <class> class Atom>
void PoolSet<Atom>::resolve_fixed(NumberRole role, const PoolConfig& pool, std::uint32_t place,
                                  Resolution& answer) {
  answer.pool = pool.name;
  if (role == NumberRole::kFallback) {
    answer.method = ResolutionMethod::kFallback;
    return;
  }
  answer.method = ResolutionMethod::kStaticSource;
  answer.source = (role == NumberRole::kStatic ? pool.static_numbers : pool.source_fallbacks)[place].source;
  answer.confidence = 1;
}

template <template <class> class Atom>
void PoolSet<Atom>::resolve_dynamic(std::uint32_t pool, std::uint32_t place, const ResolveQuery& query,
                                    Resolution& answer) const {
  const Member& member = pools_.data()[pool];  // of the directory, whose pools are ours
  const LendingPool<Atom>& lending = *member.pool.get();
  answer.pool = lending.config().name;
  const bool may_be_known = query.caller && callers_.may_know(caller_place(pool, query.caller));
  // By the slot itself, whose pool is written in it: only what else is needed of the pool waits for that.
  lending.holders(slots_[place], query.at, answer);
  if (may_be_known) [[unlikely]] {
    return resolve_known(member, place - member.first, caller_hash(pool, query.caller), query, answer);
  }
  if (!answer.visit.empty()) [[likely]]
    return resolve_only(member.weights, query.at, answer);
  resolve_lent(member.weights, lending.config().hold, nullptr, 0, query.at, answer);
}

/// The number's holders are listed already; of the caller something may be known.
template <template <class> class Atom>
void PoolSet<Atom>::resolve_known(const Member& member, std::uint32_t slot, std::uint64_t caller,
                                  const ResolveQuery& query, Resolution& answer) const {
  const LendingPool<Atom>& pool = *member.pool;
  std::optional<KnownCaller> known = callers_.find(caller);
  if (known && query.at - known->seen > caller_memory_) known.reset();
  // Whose visitor holds the number matters only to a caller who is known by one.
  const bool asks = known && known->visitor != 0 && answer.candidate_count > 0;
  const std::uint64_t visitor = asks ? pool.visitor_of(slot, answer.candidate_storage[0].shown) : 0;
  resolve_lent(member.weights, pool.config().hold, known ? &*known : nullptr, visitor, query.at, answer);
}

template <template <class> class Atom>
void PoolSet<Atom>::observe_call(const ResolveQuery& query, const Resolution& resolution) {
  resolutions_.add(static_cast<std::size_t>(resolution.method));
  const DirectoryEntry entry = find(query.dialed);
  if (!query.caller || resolution.visit.empty() || entry.role != NumberRole::kDynamic) return;
  KnownCaller known;
  known.caller = caller_hash(entry.pool, query.caller);
  known.seen = query.at;
  if (resolution.method == ResolutionMethod::kReturningCaller) {
    if (const auto before = callers_.find(known.caller)) {
      known = *before;
      known.seen = std::max(known.seen, query.at);
    }
  }
  for (const Candidate& candidate : resolution.candidates()) {
    if (!known.visit.visit.empty()) break;
    if (candidate.visit != resolution.visit) continue;
    known.visit = candidate;
    const Member& member = pools_[entry.pool];
    known.visitor = member.pool->visitor_of(entry.place - member.first, candidate.shown);
  }
  if (!known.visit.visit.empty()) callers_.put(known);
}

}  // namespace ringtrace::pool
