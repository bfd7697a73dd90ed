#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pool/lease_store.h"
#include "redis/command.h"
#include "redis/keys.h"

namespace ringtrace::redis {

/// One write as the function library takes it: what is not shared by all of a call.
struct LeaseStep {
  std::string pool;
  std::string_view kind;
  std::uint64_t block = 0;
  std::uint64_t number = 0;
  VisitPlace visit;     ///< its place in the index
  Arguments bucket;     ///< the key of its bucket
  Arguments arguments;  ///< without its kind
  pool::Time now = pool::kNever;
  pool::Time asked = pool::kNever;  ///< the end that is to be stored
  pool::Duration hold{};
  bool indexes = false;             ///< when it is done, its visit stands in the index
  pool::Time keeps = pool::kNever;  ///< until when Redis was told to keep the bucket; kNever: not told
  pool::LeaseStore::Done done;

  pool::StoreReply as_asked() const { return {pool::StoreStatus::kDone, pool::Number(), asked, {}}; }
};
using LeaseSteps = std::vector<LeaseStep>;

/// Until when the visit buckets of one pool are known to be kept, so that not every write has to say it:
/// there are many of them, and Redis would be asked more about them than about leases.
class VisitExpiries {
 public:
  bool reaches(std::uint32_t bucket, pool::Time until) const {
    return !reached_.empty() && reached_[bucket] >= until;
  }

  /// A bucket that is there is kept so long, as Redis has answered.
  void note(std::uint32_t bucket, pool::Time until) {
    if (reached_.empty()) reached_.resize(kVisitBuckets, pool::kNever);
    reached_[bucket] = std::max(reached_[bucket], until);
  }

  /// What was answered may be forgotten by Redis.
  void forget() { reached_.clear(); }

 private:
  std::vector<pool::Time> reached_;  // by bucket
};

/// The call that carries steps out, which lie together by block and kind, and are of one pool; notes in them
/// which buckets Redis is told to keep. See write_leases in functions_leases.lua.
Command lease_call(const std::string& pool, std::string_view token, LeaseSteps& steps,
                   std::chrono::milliseconds retention, const VisitExpiries& expiries);

}  // namespace ringtrace::redis
