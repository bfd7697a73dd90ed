#pragma once

#include <array>
#include <span>
#include <string>

#include "pool/lending_pool.h"
#include "tests/pool/pool_fixture.h"

namespace ringtrace::pool::testing {

/// One shipped LendingPool with no more around it than it needs: made anew for each schedule.
template <template <class> class Atom, std::size_t kSlots>
class SmallPool {
 public:
  explicit SmallPool(const PoolConfig& config)
      : pool(config, PoolIndex{0}, SharedParts<Atom>{kKey, texts_, sources_, contested()}, slots_, 0) {
    for (const Number number : config.numbers) pool.add_number(number);
  }
  SmallPool(const SmallPool&) = delete;
  SmallPool& operator=(const SmallPool&) = delete;

 private:
  static constexpr SipKey kKey{1, 2};

  /// Large, and of no weight here: one for all.
  static ContestedHolders<Atom>& contested() {
    static ContestedHolders<Atom> contested(kKey);
    return contested;
  }

  TextArena<Atom> texts_{1024};
  SourceBook<Atom> sources_{kKey, 1, 4};
  std::array<Slot<Atom>, kSlots> slots_{};

 public:
  LendingPool<Atom> pool;
};

/// What a pool that nobody uses any more must show, or the first thing that is wrong: after every lease and
/// hold is over, each of its `total` numbers can be lent, to one visit each, and no more.
template <typename Pool>
std::string find_loss(Pool& pool, std::size_t total, Time now) {
  std::array<LeaseView, 64> ended;
  while (pool.advance(now, ended) == ended.size()) continue;
  const PoolCounts counts = pool.counts(now);
  if (counts.leased + counts.held + counts.reserved + counts.drained != 0 || counts.free != total) {
    return "of " + std::to_string(total) + " numbers " + std::to_string(counts.free) + " free, " +
           std::to_string(counts.leased) + " leased, " + std::to_string(counts.held) + " held, " +
           std::to_string(counts.reserved) + " reserved, " + std::to_string(counts.drained) + " drained";
  }
  std::vector<Number> lent;
  for (std::size_t i = 0; i <= total; ++i) {
    const std::string visit = "last-" + std::to_string(i);
    const Reservation made = pool.reserve({visit, "", "", ""}, hours(1), AdmissionClass::kValuable, now);
    const bool got = made.outcome == ReserveOutcome::kReserved;
    if (got != (i < total)) return got ? "a number too many" : "a number is lost";
    if (!got) continue;
    if (std::find(lent.begin(), lent.end(), made.number) != lent.end()) return "a number twice";
    lent.push_back(made.number);
    if (!pool.commit(made.ticket, true, now)) return "a reservation that cannot be committed";
  }
  return "";
}

}  // namespace ringtrace::pool::testing
