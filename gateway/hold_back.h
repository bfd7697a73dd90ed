#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pool/number_pools.h"
#include "pool/time.h"

namespace ringtrace::gateway {

/// Keeps numbers from being lent that the store may have forgotten while they stand in someone's browser.
///
/// A lease that is lost from the books leaves its number looking like the longest idle one, so that it would
/// be lent first of all. Held back are therefore the first numbers of the free order, as many as could have
/// been lent in the time that was lost, until every lease of that time and its hold are over. They are
/// reservations that are never committed: shown to nobody, resolved to nobody, and given back in their place.
///
/// A lease of which only the last extension is lost looks as if it ended sooner than the browser knows, or as
/// if it and its hold were over. Which ones these are nobody can tell, so that all that stood in the time
/// that was lost are taken for extended.
///
/// Loop thread only, but for `held` and `until`.
class HoldBack {
 public:
  explicit HoldBack(pool::NumberPools& pools);

  /// Holds back the first `count` free numbers of the pool until `until`; returns how many there were.
  std::size_t hold(pool::PoolIndex pool, std::size_t count, pool::Time until, pool::Time now);

  /// Takes the leases that stood at `since` or later, those in their hold among them, for extended as far as
  /// they can have been: so that their numbers go to nobody else before `until`. The store has yet to be
  /// told.
  void extend(pool::PoolIndex pool, pool::Time until, pool::Time since, pool::Time now);

  /// Gives back what is due.
  void tick(pool::Time now);

  /// How many numbers of the pool are held back.
  std::uint64_t held(pool::PoolIndex pool) const { return figures_[pool.value].held; }

  /// When the last of them is given back; kNever when there is none.
  pool::Time until(pool::PoolIndex pool) const { return figures_[pool.value].until; }

 private:
  struct Held {
    pool::Ticket ticket;
    pool::Time until;
  };
  struct Figures {
    std::atomic<std::uint64_t> held{0};
    std::atomic<pool::Time> until{pool::kNever};
  };

  pool::NumberPools& pools_;
  const std::string name_;  ///< of the reservations; no website's visit is called so
  std::uint64_t serial_ = 0;
  std::vector<Held> held_;
  std::vector<Figures> figures_;  ///< of each pool
};

}  // namespace ringtrace::gateway
