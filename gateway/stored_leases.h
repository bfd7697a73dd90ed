#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/aftermath.h"
#include "gateway/claim_file.h"
#include "gateway/config.h"
#include "gateway/lease_reload.h"
#include "gateway/lease_replay.h"
#include "gateway/log.h"
#include "gateway/number_takeover.h"
#include "gateway/readiness.h"
#include "pool/leasing.h"
#include "redis/alarm.h"
#include "redis/claims.h"
#include "redis/connection.h"
#include "redis/lease_store.h"
#include "redis/number_book.h"

namespace ringtrace::gateway {

/// The leases and their store, from start to end: claiming the pools; once in a process, reloading the leases
/// an earlier one left; and after that, whenever Redis is there, writing what it does not know yet.
///
/// While another gateway owns the pools this one waits for them, and lends nothing. When another one has
/// taken them over, this process is over: what it has in memory is out of date.
///
/// All its time is the connection's, the clock of `leasing` and what `tick` is given, so that a simulation
/// runs it as it is. Everything but `leases` runs on the loop's thread. It outlives the connection, which in
/// its end answers what waits for an answer; destroy it when no thread runs the loop.
class StoredLeases {
 public:
  /// Called once, when numbers may be lent: the leases are reloaded, or Redis is not there now and what an
  /// earlier process lent is over.
  using Settled = std::function<void()>;
  /// Called once, when another gateway has taken the pools over.
  using Lost = std::function<void()>;

  /// Before the connection's start. `config` has a [redis].
  StoredLeases(boost::asio::io_context& io, redis::Connection& connection, const Config& config, Log& log,
               Readiness& readiness);
  ~StoredLeases();
  StoredLeases(const StoredLeases&) = delete;
  StoredLeases& operator=(const StoredLeases&) = delete;

  /// What leases are written through.
  pool::LeaseStore& leases() { return aftermath_->leases(); }

  /// Before the connection's start, and before anything is lent. `leasing` outlives the loop.
  void start(pool::Leasing& leasing, Settled settled, Lost lost);

  bool connected() const { return connected_; }

  /// True while another gateway owns the pools: nothing may be lent. Any thread.
  bool is_foreign() const;

  /// The pools of which Redis may have, or has, forgotten leases that an earlier process of this gateway was
  /// acknowledged. (What this process was acknowledged it writes again by itself.)
  const std::vector<redis::Claim>& losses() const { return losses_; }

  /// Gives the pools up, so that a successor need not wait. The last thing that is done.
  void give_up();

  /// Takes over what a fresh configuration says of pools' numbers, when the store's book of them can be read.
  void take_over(const std::vector<NumberChanges>& changes) { takeover_->want(changes); }

  /// Writes some of what the store does not know; a few times a second.
  void tick(std::chrono::steady_clock::time_point now);

  /// Writes not answered yet.
  std::size_t outstanding() const { return leases_.outstanding(); }

  /// Any thread, from `start` on.
  Aftermath::Held held_back(pool::PoolIndex pool) const { return aftermath_->held(pool); }
  std::uint64_t journal_bytes() { return aftermath_->leases().file_bytes(); }

  /// Until when numbers may not be lent unless Redis tells of them; kNever: they may be.
  pool::Time blind_until() const { return aftermath_->blind_until(); }

 private:
  void changed(bool ready, const std::string& reason);
  void claimed(const redis::Claim& claim);
  void ownership_changed();
  void write_again(const std::string& pool);
  void remember_claims();
  void reload();
  void reload_leases();
  void reloaded(const std::string& problem);
  void settle();
  void settle_without_store();

  boost::asio::io_context& io_;
  redis::Connection& connection_;
  Log& log_;
  Readiness& readiness_;
  ClaimFile claim_file_;
  std::unique_ptr<Aftermath> aftermath_;  // before the store, which in its end answers what waits
  redis::Claims claims_;
  redis::RedisLeaseStore leases_;
  redis::RedisNumberBook numbers_;
  const std::unique_ptr<redis::Alarm> blind_;
  const std::unique_ptr<redis::Alarm> retry_;

  pool::Leasing* leasing_ = nullptr;
  std::unique_ptr<LeaseReplay> replay_;
  std::unique_ptr<NumberTakeover> takeover_;
  Settled settled_;
  Lost lost_;
  std::shared_ptr<LeaseReload> reload_;
  std::vector<redis::Claim> losses_;
  std::chrono::steady_clock::time_point remembered_{};
  bool connected_ = false;
  bool reloading_ = false;
  bool reloaded_ = false;
};

}  // namespace ringtrace::gateway
