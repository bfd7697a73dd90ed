#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "gateway/caller_eraser.h"
#include "gateway/config.h"
#include "gateway/event_spool.h"
#include "gateway/late_attribution.h"
#include "gateway/log.h"
#include "gateway/number_books.h"
#include "gateway/readiness.h"
#include "gateway/store_call_index.h"
#include "gateway/store_call_log.h"
#include "gateway/stored_leases.h"
#include "gateway/subscriptions.h"
#include "pool/leasing.h"
#include "redis/call_index.h"
#include "redis/call_log.h"
#include "redis/connection.h"
#include "redis/holder_log.h"
#include "redis/open_call_sweep.h"

namespace ringtrace::gateway {

/// The store: the connection to Redis, the leases in it and their life (StoredLeases), and calls and events.
///
/// Everything but the accessors runs on the loop's thread. Destroy it when no thread runs the loop.
class StorePart {
 public:
  using Settled = StoredLeases::Settled;
  using Lost = StoredLeases::Lost;

  /// `config` has a [redis].
  StorePart(boost::asio::io_context& io, const Config& config, const redis::CallerKey& caller_key,
            const pool::Clock& clock, Log& log, Readiness& readiness);
  ~StorePart();
  StorePart(const StorePart&) = delete;
  StorePart& operator=(const StorePart&) = delete;

  pool::LeaseStore& leases() { return leases_->leases(); }
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
  bool is_foreign() const { return leases_->is_foreign(); }

  /// See StoredLeases. Loop thread.
  const std::vector<redis::Claim>& losses() const { return leases_->losses(); }

  /// See StoredLeases. Loop thread.
  void take_over(const std::vector<NumberChanges>& changes) { leases_->take_over(changes); }

  /// Gives the pools up, so that a successor need not wait. The last thing that is done.
  void give_up() { leases_->give_up(); }

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
  /// Any thread, from `start` on.
  Aftermath::Held held_back(pool::PoolIndex pool) const { return leases_->held_back(pool); }
  std::uint64_t journal_bytes() { return leases_->journal_bytes(); }

  /// Until when numbers may not be lent unless Redis tells of them; kNever: they may be.
  pool::Time blind_until() const { return leases_->blind_until(); }

 private:
  Log& log_;
  const redis::CallerKey caller_key_;
  const GatewayCallerEraser::Retention personal_retention_;
  // Before the connection, which in its end answers what waits for an answer, and the spool's thread.
  std::unique_ptr<StoredLeases> leases_;
  std::unique_ptr<LateAttribution> late_;
  std::unique_ptr<StoreCallerEraser> eraser_;
  redis::Connection connection_;
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
};

}  // namespace ringtrace::gateway
