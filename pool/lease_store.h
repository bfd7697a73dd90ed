#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pool/number.h"
#include "pool/number_pools.h"
#include "pool/time.h"

namespace ringtrace::pool {

/// What the store said of one write.
enum class StoreStatus : std::uint8_t {
  kDone,            ///< written; what "written" survives is the store's own setting
  kHeldByOther,     ///< lease: the number is another visit's, or in its hold, by the store's books
  kVisitElsewhere,  ///< lease: the visit holds another number by the store's books; `number` says which
  kNotHeld,         ///< renew, end: the visit does not hold the number by the store's books
  kUnavailable,     ///< not written: the store is away, or its queue is full
  kInDoubt,         ///< sent, no answer in time: written or not. Sending the same again is safe
  kRefused,         ///< the store is there and cannot write (full, read-only, another owner's block)
};

/// The answer to one write.
struct StoreReply {
  StoreStatus status = StoreStatus::kUnavailable;
  Number number;         ///< kVisitElsewhere: the number the visit holds
  Time expire = kNever;  ///< kDone, kVisitElsewhere: when the stored lease ends
  std::string detail;    ///< for the log
};

/// One lease as the store is to write it. Owns its texts: it outlives the call.
struct LeaseRecord {
  std::string pool;
  Number number;
  std::string visit_id;
  std::string visitor_id;
  std::string source;
  std::string attributes;
  Time start = kNever;
  Time expire = kNever;
  Duration hold{};
};

/// The end of a lease.
struct LeaseEnd {
  std::string pool;
  Number number;
  std::string visit_id;
  Time end = kNever;
};

/// What the leases need from a store; redis/ has the real one.
///
/// Each call returns at once and calls `done` exactly once, later, from the store's own thread, or from
/// inside the call when it can tell right away. Writes are carried out in the order of the calls. Every write
/// is idempotent: the same one again, after kInDoubt, changes nothing more.
class LeaseStore {
 public:
  using Done = std::function<void(const StoreReply&)>;

  virtual ~LeaseStore() = default;

  /// Writes a lease: the visit holds the number until `expire`.
  virtual void lease(LeaseRecord record, Time now, Done done) = 0;

  /// Extends the visit's lease to `expire`, never shortening it.
  virtual void renew(LeaseRecord record, Time now, Done done) = 0;

  /// Ends the visit's lease early, at `end`.
  virtual void release(LeaseEnd end, Time now, Done done) = 0;

  /// Notes that leases ended by time. A lease that the store's books extend further than `end` is left alone
  /// and answered with kDone and its true `expire`.
  virtual void expire(LeaseEnd end, Time now, Done done) = 0;

  /// A lease that is given from memory although the store's books say otherwise: the place to write it down
  /// for the next process. Nothing is sent.
  virtual void note_unwritten(const LeaseRecord&, Time /*now*/) {}
};

}  // namespace ringtrace::pool
