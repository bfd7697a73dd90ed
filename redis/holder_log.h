#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pool/number.h"
#include "pool/time.h"
#include "redis/connection.h"

namespace ringtrace::redis {

/// One visit that was shown a number, and how long it held it.
struct Holder {
  std::string visit_id;
  std::string visitor_id;
  std::string source;
  pool::Time shown = pool::kNever;
  pool::Time end = pool::kNever;  ///< when the lease ended, or will end unless it is renewed
  bool stands = false;            ///< nothing has ended it yet; it is over all the same once `end` has passed
  /// The attributes as JSON (attributes_from_json), of the number's present or last lease; empty when its
  /// visit brought none, and of former ones, of which the store keeps none. Left unread: few calls need them.
  std::string attributes_json;
};

/// The answer to a question to the holder log.
struct HolderPage {
  enum class Status : std::uint8_t {
    kDone,
    kUnavailable,  ///< Redis is away or cannot answer; ask again when it is back
  };

  Status status = Status::kUnavailable;
  std::vector<Holder> holders;  ///< the latest shown first
  std::string detail;           ///< why there is no answer; for the log
};

/// Who held a number, also long after: the holder log.
///
/// Each lease is one interval, from the instant the number was shown to the end of the lease. The present, or
/// last, lease of a number stands among the leases; the function that lends the number to the next visit
/// moves the interval into the log in the same step, so that none is ever missing or there twice. What ended
/// longer ago than the retention is removed.
///
///     log.holders("main", dialed, rung_at, HolderLog::kMost, [](HolderPage page) { ... });
///
/// Any thread may ask; `done` is called once, on the connection's io thread, or from inside the call when it
/// was turned away. The connection outlives the log.
class HolderLog {
 public:
  using Done = std::function<void(HolderPage)>;

  /// Holders one answer gives at most.
  static constexpr std::size_t kMost = 256;

  explicit HolderLog(Connection& connection) : connection_(connection) {}

  /// The visits that were shown the number at `at` or before it, the latest `most` (1 to kMost) of them. One
  /// round trip.
  void holders(const std::string& pool, pool::Number number, pool::Time at, std::size_t most,
               Done done) const;

 private:
  Connection& connection_;
};

}  // namespace ringtrace::redis
