#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "pool/lease_store.h"

namespace ringtrace::gateway {

/// The books of one pool as Redis keeps them: what the steps of redis/functions_leases.lua do, without Redis.
/// A copy is a snapshot. That both say the same is tested with random histories.
class StoreModel {
 public:
  struct Lease {
    std::string visit;
    pool::Time start, expire;
    std::optional<pool::Time> ended;
    pool::Duration hold;

    pool::Time end() const { return ended.value_or(expire); }
    pool::Time bound_until() const { return end() + hold; }
    bool operator==(const Lease&) const = default;
  };

  const std::map<pool::Number, Lease>& leases() const { return leases_; }

  pool::StoreReply lease(const pool::LeaseRecord& record, pool::Time now) {
    const auto indexed = visits_.find(record.visit_id);
    const auto known = indexed == visits_.end() ? leases_.end() : leases_.find(indexed->second);
    if (known != leases_.end() && known->first != record.number && known->second.visit == record.visit_id &&
        known->second.bound_until() > now) {
      return {pool::StoreStatus::kVisitElsewhere, known->first, known->second.end(), ""};
    }
    Lease fresh{record.visit_id, record.start, record.expire, std::nullopt, record.hold};
    const auto held = leases_.find(record.number);
    if (held != leases_.end() && held->second.bound_until() > now) {
      if (held->second.visit != record.visit_id)
        return {pool::StoreStatus::kHeldByOther, {}, pool::kNever, ""};
      fresh.start = held->second.start;
      fresh.expire = std::max(held->second.end(), fresh.expire);
    } else if (held != leases_.end()) {
      forget(held->second.visit, record.number);
    }
    leases_[record.number] = fresh;
    visits_[record.visit_id] = record.number;
    return done(fresh.expire);
  }

  pool::StoreReply renew(const pool::LeaseRecord& record, pool::Time now) {
    const auto held = leases_.find(record.number);
    if (held == leases_.end() || held->second.visit != record.visit_id || held->second.bound_until() <= now) {
      return not_held();
    }
    Lease lease = held->second;
    lease.expire = std::max(lease.end(), record.expire);
    lease.ended.reset();
    lease.hold = record.hold;
    leases_[record.number] = lease;
    return done(lease.expire);
  }

  pool::StoreReply release(const pool::LeaseEnd& end) {
    const auto held = leases_.find(end.number);
    if (held == leases_.end() || held->second.visit != end.visit_id) return not_held();
    return finish(end.number, held->second, end.end);
  }

  pool::StoreReply expire(const pool::LeaseEnd& end) {
    const auto held = leases_.find(end.number);
    if (held == leases_.end() || held->second.visit != end.visit_id) return not_held();
    if (!held->second.ended && held->second.expire > end.end) return done(held->second.expire);
    return finish(end.number, held->second, end.end);
  }

 private:
  static pool::StoreReply done(pool::Time expire) { return {pool::StoreStatus::kDone, {}, expire, ""}; }
  static pool::StoreReply not_held() { return {pool::StoreStatus::kNotHeld, {}, pool::kNever, ""}; }

  pool::StoreReply finish(pool::Number number, Lease lease, pool::Time at) {
    if (!lease.ended) {
      lease.ended = std::max(lease.start, at);
      leases_[number] = lease;
      visits_[lease.visit] = number;
    }
    return done(*lease.ended);
  }

  /// Takes the visit out of the index, if it stands there with this number.
  void forget(const std::string& visit, pool::Number number) {
    const auto indexed = visits_.find(visit);
    if (indexed != visits_.end() && indexed->second == number) visits_.erase(indexed);
  }

  std::map<pool::Number, Lease> leases_;
  std::map<std::string, pool::Number> visits_;  ///< the number of a visit's latest lease, or end
};

}  // namespace ringtrace::gateway
