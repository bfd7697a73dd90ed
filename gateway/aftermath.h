#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "gateway/config.h"
#include "gateway/hold_back.h"
#include "gateway/last_life.h"
#include "gateway/lease_journal.h"
#include "gateway/log.h"
#include "pool/leasing.h"
#include "pool/number_pools.h"

namespace ringtrace::gateway {

/// Sees to it that the numbers an earlier life of this gateway lent go to nobody else too early: what it left
/// in the state directory is taken over, and the same is left for the next one.
///
/// Leases the store has not acknowledged are in the journal. Those it has acknowledged it tells when it is
/// there; until then, and at most until all of them are over, nothing may be lent (`blind_until`). When the
/// store may have lost some, the numbers it would have lent them from are held back.
///
/// Without a state directory nothing is known of earlier lives. Loop thread, but for `leases`, the journal,
/// whose calls may come from any, and `held`.
class Aftermath {
 public:
  /// `store` and the rest outlive it.
  Aftermath(const Config& config, pool::LeaseStore& store, Log& log);

  /// What leases are written through.
  LeaseJournal& leases() { return journal_; }

  /// Takes the journal over; before anything is lent.
  void begin(pool::Leasing& leasing);

  /// Until when numbers lent by an earlier life may be in use that only the store knows; kNever when there
  /// are none.
  pool::Time blind_until() const;

  /// The store is there, and acknowledges leases from now on.
  void store_came() { leave_word(leasing_->clock().now(), true); }

  /// What the store may have forgotten of what it had acknowledged.
  enum class Loss : std::uint8_t {
    kNone,
    kPossible,  ///< some of its last writes
    kCertain,   ///< its books are older, or gone
  };

  /// Another gateway lent the numbers since this one's last life, which knows nothing of that. Before `lost`.
  void others_lent();

  /// The store forgot. `remembered`: this process' memory has all of it and writes it again. Written down at
  /// once, so that it outlives a kill until everything is made good or over.
  void lost(Loss loss, bool remembered);

  /// True while only this process' memory has what the store forgot.
  bool loses_with_memory() const { return loss_ != Loss::kNone && remembered_; }

  /// The leases the store knows are back: holds numbers back when it may have forgotten others.
  void all_reloaded();

  /// A few times a second. `connected`: the store acknowledges leases; `told`: it knows all of them.
  void tick(bool connected, bool told);

  /// What is held back of a pool. Any thread, from `begin` on.
  struct Held {
    std::uint64_t numbers = 0;
    pool::Time until = pool::kNever;
  };
  Held held(pool::PoolIndex pool) const;

 private:
  std::uint64_t count_to_hold(const pool::PoolConfig& config) const;
  void hold_back(pool::PoolIndex pool, pool::Time now);
  void note_rate();
  void leave_word(pool::Time now, bool connected);

  const std::filesystem::path directory_;  ///< empty: none
  const std::uint64_t journal_bytes_;
  Log& log_;
  LeaseJournal journal_;
  std::optional<LastLife> last_;
  pool::Leasing* leasing_ = nullptr;
  std::unique_ptr<HoldBack> hold_back_;

  std::array<std::uint64_t, 10> rates_{};  ///< leases acknowledged in each of the last ten seconds
  std::size_t rate_ = 0;
  std::uint64_t acknowledged_ = 0;             ///< leases, by the start of this second
  std::uint64_t seen_acknowledged_ = 0;        ///< by the last tick
  pool::Time acknowledged_at_ = pool::kNever;  ///< of the last tick that saw more
  Loss loss_ = Loss::kNone;
  bool lost_anew_ = false;       ///< in this life
  std::uint64_t left_held_ = 0;  ///< by the last life, for a loss that is not over
  pool::Time loss_until_ = pool::kNever;
  bool remembered_ = false;
  bool lent_by_others_ = false;
  pool::Time next_word_ = pool::kNever;
  pool::Time word_bound_ = pool::kNever;
  pool::Duration longest_bound_{};  ///< of a lease that has the pool's own time
  bool told_disk_ = false;
};

}  // namespace ringtrace::gateway
