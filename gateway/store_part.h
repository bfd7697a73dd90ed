#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/aftermath.h"
#include "gateway/caller_eraser.h"
#include "gateway/claim_file.h"
#include "gateway/config.h"
#include "gateway/event_spool.h"
#include "gateway/late_attribution.h"
#include "gateway/lease_reload.h"
#include "gateway/lease_replay.h"
#include "gateway/log.h"
#include "gateway/number_books.h"
#include "gateway/readiness.h"
#include "gateway/store_call_index.h"
#include "gateway/store_call_log.h"
#include "gateway/subscriptions.h"
#include "pool/leasing.h"
#include "redis/call_index.h"
#include "redis/call_log.h"
#include "redis/claims.h"
#include "redis/connection.h"
#include "redis/holder_log.h"
#include "redis/lease_store.h"
#include "redis/open_call_sweep.h"

namespace ringtrace::gateway {

/// The store and its life: connecting; claiming the pools; once in a process, reloading the leases an earlier
/// one left; and after that, whenever Redis is there, writing what it does not know yet.
///
/// While another gateway owns the pools this one waits for them, and lends nothing. When another one has
/// taken them over, this process is over: what it has in memory is out of date.
///
/// Everything but the accessors runs on the loop's thread. Destroy it when no thread runs the loop.
class StorePart {
 public:
  /// Called once, when numbers may be lent: the leases are reloaded, or Redis is not there now and what an
  /// earlier process lent is over.
  using Settled = std::function<void()>;
  /// Called once, when another gateway has taken the pools over.
  using Lost = std::function<void()>;

  /// `config` has a [redis].
  StorePart(boost::asio::io_context& io, const Config& config, const redis::CallerKey& caller_key,
            const pool::Clock& clock, Log& log, Readiness& readiness);
  ~StorePart();
  StorePart(const StorePart&) = delete;
  StorePart& operator=(const StorePart&) = delete;

  pool::LeaseStore& leases() { return aftermath_->leases(); }
  rpc::CallEventLog& call_log() { return reader_; }
  rpc::CallIndex& call_index() { return index_reader_; }
  rpc::NumberBook& number_book() { return number_book_; }
  rpc::SubscriptionStore& subscriptions() { return subscription_store_; }
  sip::CallSink& call_sink() { return spool_; }

  /// After `start`.
  GatewayCallerEraser& caller_eraser() { return *eraser_; }

  /// Begins to connect. `leasing` outlives the loop.
  void start(pool::Leasing& leasing, Settled settled, Lost lost = {});

  /// True while another gateway owns the pools: nothing may be lent. Any thread.
  bool is_foreign() const;

  /// The pools of which Redis may have, or has, forgotten leases that an earlier process of this gateway was
  /// acknowledged. (What this process was acknowledged it writes again by itself.) Loop thread.
  const std::vector<redis::Claim>& losses() const { return losses_; }

  /// Gives the pools up, so that a successor need not wait. The last thing that is done.
  void give_up();

  /// Writes some of what the store does not know; a few times a second.
  void tick();

  /// True when everything written has been answered; or cannot be, because Redis is away.
  bool is_flushed() const;

  redis::ConnectionStats connection_stats() const { return connection_.stats(); }
  redis::CallLogStats call_log_stats() const { return calls_.stats(); }
  std::size_t acknowledgements_waiting() const { return subscriptions_.waiting(); }
  EventSpoolStats spool_stats() const { return spool_.stats(); }
  LateAttributionStats late_stats() const { return late_->stats(); }
  std::uint64_t calls_closed_by_age() const { return sweep_.closed(); }
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
  Log& log_;
  Readiness& readiness_;
  const ClaimFile claim_file_;
  const redis::CallerKey caller_key_;
  const GatewayCallerEraser::Retention personal_retention_;
  // Before the connection, which in its end answers what waits for an answer, and the spool's thread.
  std::unique_ptr<Aftermath> aftermath_;
  std::unique_ptr<LateAttribution> late_;
  std::unique_ptr<StoreCallerEraser> eraser_;
  redis::Connection connection_;
  redis::Claims claims_;
  redis::RedisLeaseStore leases_;
  redis::HolderLog holders_;
  redis::RedisCallLog calls_;
  redis::RedisCallIndex index_;
  redis::RedisNumberBook numbers_;
  redis::RedisSubscriptions subscriptions_;
  StoreCallLog reader_;
  StoreCallIndex index_reader_;
  StoreNumberBook number_book_;
  StoreSubscriptions subscription_store_;
  redis::OpenCallSweep sweep_;
  EventSpool spool_;
  boost::asio::steady_timer blind_;
  boost::asio::steady_timer retry_;

  pool::Leasing* leasing_ = nullptr;
  std::unique_ptr<LeaseReplay> replay_;
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
