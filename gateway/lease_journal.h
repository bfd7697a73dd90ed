#pragma once

#include <ringtrace/v1/lease.pb.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/log.h"
#include "gateway/record_file.h"
#include "pool/lease_store.h"
#include "pool/leasing.h"
#include "pool/number_pools.h"

namespace ringtrace::gateway {

/// Stands between the leases and the store, and writes what the store did not acknowledge into a file of the
/// state directory: a lease that is answered from memory while Redis is away survives a kill of the gateway.
/// The next process takes the file over before it lends anything; it is emptied when the store knows all.
///
/// What the file has no room for is in memory only, and counted. Any thread may call the store's members.
class LeaseJournal final : public pool::LeaseStore {
 public:
  /// All outlive it. Leases of `required` pools that were not written are not given to anyone: they are
  /// written down only when it is in doubt.
  LeaseJournal(pool::LeaseStore& store, std::set<std::string> required, Log& log)
      : store_(store), required_(std::move(required)), log_(log) {}

  /// Opens the file; without one nothing is written down. Before anything else.
  void open(const std::filesystem::path& file, std::uint64_t max_bytes);

  /// Takes over what an earlier process has written down; before anything is lent.
  void restore_into(pool::NumberPools& pools, pool::Time now);

  /// Ends what the store did not know to have ended; once its leases are reloaded. What does not reach the
  /// store is told again at the next tick. The end of a lease that its visit has asked for again since is
  /// not carried out any more.
  void end_what_ended(pool::Leasing& leasing);

  /// Others had the numbers since: what ended then may have begun anew, and this process and the next ones
  /// tell nobody of it. Before `end_what_ended`.
  void forget_ends(pool::NumberPools& pools, pool::Time now);

  /// When the visit's lease of the number ended, where an earlier process wrote that down and the store has
  /// not heard of it.
  std::optional<pool::Time> end_of(std::string_view pool, pool::Number number, std::string_view visit) const;

  void lease(pool::LeaseRecord record, pool::Time now, Done done) override;
  void renew(pool::LeaseRecord record, pool::Time now, Done done) override;
  void release(pool::LeaseEnd end, pool::Time now, Done done) override;
  void expire(pool::LeaseEnd end, pool::Time now, Done done) override;
  void note_unwritten(const pool::LeaseRecord& record, pool::Time now) override;

  /// To be called a few times a second from one thread; `told`: the store knows every lease at this moment.
  /// Empties the file when that was so twice and nothing was written down in between.
  void tick(bool told);

  /// When the last lease acknowledged by the store, and its hold, will be over unless it is renewed.
  pool::Time bound_until() const { return pool::Time(pool::Duration(bound_until_.load())); }

  /// An earlier life's leases may stand until then.
  void note_bound(pool::Time until);

  /// The next life will know that acknowledged leases may stand until then. One that stands longer is written
  /// down.
  void note_word(pool::Time until) { word_.store(until.time_since_epoch().count()); }

  /// Leases and renewals the store has acknowledged, since start.
  std::uint64_t acknowledged() const { return acknowledged_; }

  std::uint64_t file_bytes() const;

  /// What found no room in the file, since start.
  std::uint64_t dropped() const { return dropped_; }

 private:
  /// An end that the store has to hear of.
  struct OldEnd {
    pool::LeaseEnd end;
    bool under_way = false;  ///< sent, and not answered yet
  };

  std::vector<pool::LeaseEnd> take_ends();
  void settle_end(const pool::LeaseEnd& end, bool again);
  void forget_end_of(const pool::LeaseRecord& record);
  Done noting(pool::LeaseRecord record, pool::Time now, Done done);
  void write(const std::string& record);

  pool::LeaseStore& store_;
  const std::set<std::string> required_;
  Log& log_;

  std::atomic<std::int64_t> bound_until_{0};
  std::atomic<std::int64_t> word_{0};
  std::atomic<std::uint64_t> acknowledged_{0};
  std::atomic<std::uint64_t> dropped_{0};

  mutable std::mutex mutex_;
  std::unique_ptr<RecordFile> file_;              // by mutex_
  std::unordered_map<std::string, OldEnd> ends_;  // by mutex_; by pool, number and visit
  std::atomic<bool> has_ends_{false};  // what ends_ is, for those who have nothing to look for there
  pool::Leasing* leasing_ = nullptr;   // once the store is reloaded; the loop thread's
  std::uint64_t told_end_ = 0;         // the ticking thread's
};

}  // namespace ringtrace::gateway
