#include "gateway/lease_journal.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "proto/from_pool.h"

namespace ringtrace::gateway {
namespace {

// A record begins with what it is and when it was asked for, because the store's answers come in any order; a
// serialized v1::Lease follows, its `name` the pool's bare name.
constexpr char kLease = 'L';
constexpr char kEnd = 'E';     // `expire_time` is when it ended
constexpr char kOthers = 'O';  // another gateway had the pools since; without a lease
constexpr std::size_t kHead = 1 + sizeof(std::int64_t);

std::string head(char kind, pool::Time asked) {
  const std::int64_t ms = asked.time_since_epoch().count();
  std::string text(kHead, kind);
  std::memcpy(text.data() + 1, &ms, sizeof(ms));
  return text;
}

pool::Time asked_at(const std::string& record) {
  std::int64_t ms = 0;
  std::memcpy(&ms, record.data() + 1, sizeof(ms));
  return pool::Time(pool::Duration(ms));
}

std::string key_of(std::string_view pool, pool::Number number, std::string_view visit) {
  return std::string(pool) + ' ' + std::to_string(number.digits()) + ' ' + std::string(visit);
}

bool is_unwritten(pool::StoreStatus status) {
  return status == pool::StoreStatus::kUnavailable || status == pool::StoreStatus::kInDoubt ||
         status == pool::StoreStatus::kRefused;
}

std::string to_text(const pool::LeaseRecord& record, pool::Time asked) {
  v1::Lease lease;
  lease.set_name(record.pool);
  lease.set_number(record.number.to_string());
  lease.mutable_visit()->set_visit_id(record.visit_id);
  lease.mutable_visit()->set_visitor_id(record.visitor_id);
  lease.mutable_visit()->mutable_attributes()->ParseFromString(record.attributes);
  lease.set_source(record.source);
  *lease.mutable_start_time() = to_timestamp(record.start);
  *lease.mutable_expire_time() = to_timestamp(record.expire);
  return head(kLease, asked) + lease.SerializeAsString();
}

std::string to_text(const pool::LeaseEnd& end, pool::Time asked) {
  v1::Lease lease;
  lease.set_name(end.pool);
  lease.set_number(end.number.to_string());
  lease.mutable_visit()->set_visit_id(end.visit_id);
  *lease.mutable_expire_time() = to_timestamp(end.end);
  return head(kEnd, asked) + lease.SerializeAsString();
}

/// What became of one lease, by all records of it.
struct Tale {
  v1::Lease lease;    ///< the latest record
  bool told = false;  ///< false: only its end is written down, the lease itself is the store's to tell
  std::optional<pool::Time> ended;
  pool::Time asked = pool::kNever;  ///< of the latest record
  pool::Time lent = pool::kNever;   ///< when it was asked for the last time, as one that stands

  pool::Time end() const { return ended.value_or(from_timestamp(lease.expire_time())); }
};

/// The tales of all leases, as one record after the other is read.
class Tales {
 public:
  explicit Tales(pool::Time now) : now_(now) {}

  void add(char kind, pool::Time asked, v1::Lease lease) {
    const std::string visit = lease.name() + ' ' + lease.visit().visit_id();
    Tale& tale = tales_[visit + ' ' + lease.number()];
    if (asked < tale.asked) return;
    tale.asked = asked;
    const pool::Time end = from_timestamp(lease.expire_time());
    if (kind == kEnd) {
      // After an older end the visit had the number back.
      if (end < tale.lent) return;
      tale.ended = end;
      if (!tale.told) tale.lease = std::move(lease);
      return;
    }
    // One that was over already only goes before its end.
    const bool over = end <= asked;
    if (!over || !tale.told) tale.lease = std::move(lease);
    tale.told = true;
    if (over) return;
    tale.lent = asked;
    tale.ended.reset();
    // A visit holds one number: the one it had before is given up, when is not known.
    Tale*& present = present_[visit];
    if (present != nullptr && present != &tale) present->ended = std::min(now_, present->end());
    present = &tale;
  }

  /// What had ended by then may have begun anew, where nobody here has heard of it.
  void others_came() {
    std::erase_if(present_, [](const auto& each) { return each.second->ended.has_value(); });
    std::erase_if(tales_, [](const auto& each) { return each.second.ended.has_value(); });
  }

  const std::map<std::string, Tale>& all() const { return tales_; }

 private:
  const pool::Time now_;
  std::map<std::string, Tale> tales_;
  std::map<std::string, Tale*> present_;  ///< of each visit
};

void restore_one(pool::NumberPools& pools, const Tale& tale, pool::Time now) {
  const v1::Lease& lease = tale.lease;
  const auto pool = pools.find(lease.name());
  const auto number = pool::Number::parse(lease.number());
  if (!pool || !number) return;
  const std::string attributes = lease.visit().attributes().SerializeAsString();
  pools.restore(*pool,
                {*number,
                 {lease.visit().visit_id(), lease.visit().visitor_id(), lease.source(), attributes},
                 from_timestamp(lease.start_time()),
                 from_timestamp(lease.expire_time()),
                 tale.ended},
                now);
  const auto stands = pools.find_lease(*pool, lease.visit().visit_id(), now);
  if (stands && stands->number == *number) pools.set_durable(stands->ticket, stands->expire, false);
}

}  // namespace

void LeaseJournal::open(const std::filesystem::path& file, std::uint64_t max_bytes) {
  std::string problem;
  file_ = RecordFile::open(file, max_bytes, problem);
  if (file_ == nullptr) {
    log_.error("no journal: leases answered while Redis is away are lost when the gateway is killed",
               {{"reason", problem}});
  } else if (file_->torn_bytes() > 0) {
    log_.warning("the journal of leases ended in the middle of a record, which was cut off",
                 {{"bytes", file_->torn_bytes()}});
  }
}

void LeaseJournal::restore_into(pool::NumberPools& pools, pool::Time now) {
  if (file_ == nullptr) return;
  Tales tales(now);
  for (std::uint64_t offset = file_->begin(); const auto record = file_->read(offset);) {
    if (record->size() < kHead) continue;
    if (record->front() == kOthers) tales.others_came();
    v1::Lease lease;
    if (!lease.ParseFromArray(record->data() + kHead, static_cast<int>(record->size() - kHead))) continue;
    if (record->front() != kOthers) tales.add(record->front(), asked_at(*record), std::move(lease));
  }
  std::vector<const Tale*> in_order;
  for (const auto& [key, tale] : tales.all()) {
    if (tale.told) in_order.push_back(&tale);
    const auto number = pool::Number::parse(tale.lease.number());
    if (tale.ended && number) {
      pool::LeaseEnd end{tale.lease.name(), *number, tale.lease.visit().visit_id(), *tale.ended};
      std::string name = key_of(end.pool, end.number, end.visit_id);
      ends_.emplace(std::move(name), OldEnd{std::move(end)});
    }
  }
  has_ends_ = !ends_.empty();
  std::sort(in_order.begin(), in_order.end(),
            [](const Tale* a, const Tale* b) { return a->end() < b->end(); });
  for (const Tale* tale : in_order) restore_one(pools, *tale, now);
  if (!tales.all().empty()) {
    log_.info("leases of an earlier process taken over from the journal", {{"leases", tales.all().size()}});
  }
}

void LeaseJournal::forget_ends(pool::NumberPools& pools, pool::Time now) {
  if (file_bytes() == 0) return;
  write(head(kOthers, now));
  {
    const std::lock_guard lock(mutex_);
    ends_.clear();
    has_ends_ = false;
  }
  std::vector<pool::LeaseView> found(256);
  for (std::uint32_t i = 0; i < pools.pool_count(); ++i) {
    std::uint32_t from = 0;
    while (const std::size_t read = pools.scan({i}, from, true, found)) {
      for (std::size_t k = 0; k < read; ++k) {
        const pool::LeaseView& lease = found[k];
        if (!lease.live && !lease.lapsed) pools.set_durable(lease.ticket, lease.expire, true);
      }
    }
  }
}

std::optional<pool::Time> LeaseJournal::end_of(std::string_view pool, pool::Number number,
                                               std::string_view visit) const {
  if (!has_ends_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = ends_.find(key_of(pool, number, visit));
  return found == ends_.end() ? std::nullopt : std::optional(found->second.end.end);
}

/// Those that are not under way, which they are from now on.
std::vector<pool::LeaseEnd> LeaseJournal::take_ends() {
  const std::lock_guard lock(mutex_);
  std::vector<pool::LeaseEnd> taken;
  for (auto& [name, each] : ends_) {
    if (!std::exchange(each.under_way, true)) taken.push_back(each.end);
  }
  return taken;
}

/// An end that was under way is carried out, or to be sent again; unless it was forgotten meanwhile.
void LeaseJournal::settle_end(const pool::LeaseEnd& end, bool again) {
  const std::lock_guard lock(mutex_);
  const auto found = ends_.find(key_of(end.pool, end.number, end.visit_id));
  if (found == ends_.end()) return;
  if (again) {
    found->second.under_way = false;
  } else {
    ends_.erase(found);
    has_ends_ = !ends_.empty();
  }
}

/// The visit asks again, which comes after the end of what it held once.
void LeaseJournal::forget_end_of(const pool::LeaseRecord& record) {
  if (!has_ends_) return;
  const std::lock_guard lock(mutex_);
  ends_.erase(key_of(record.pool, record.number, record.visit_id));
  has_ends_ = !ends_.empty();
}

void LeaseJournal::end_what_ended(pool::Leasing& leasing) {
  leasing_ = &leasing;
  for (const pool::LeaseEnd& ended : take_ends()) {
    const auto pool = leasing.pools().find(ended.pool);
    const pool::LeaseAnswer stands = pool ? leasing.get(*pool, ended.visit_id) : pool::LeaseAnswer{};
    if (!pool) {
      settle_end(ended, false);
    } else if (stands.status == pool::LeaseStatus::kLeased && stands.number == ended.number) {
      settle_end(ended, false);
      leasing.release(*pool, ended.visit_id, [](const pool::LeaseAnswer&) {});
    } else {
      // Its number is another visit's by now, which the store will not have before it knows of this end.
      store_.release(ended, leasing.clock().now(), [this, ended](const pool::StoreReply& reply) {
        settle_end(ended, is_unwritten(reply.status));
      });
    }
  }
}

void LeaseJournal::lease(pool::LeaseRecord record, pool::Time now, Done done) {
  forget_end_of(record);
  Done noted = noting(record, now, std::move(done));
  store_.lease(std::move(record), now, std::move(noted));
}

void LeaseJournal::renew(pool::LeaseRecord record, pool::Time now, Done done) {
  forget_end_of(record);
  Done noted = noting(record, now, std::move(done));
  store_.renew(std::move(record), now, std::move(noted));
}

void LeaseJournal::release(pool::LeaseEnd end, pool::Time now, Done done) {
  store_.release(end, now, [this, end, now, done = std::move(done)](const pool::StoreReply& reply) {
    // An end of a lease that is written down must not be forgotten before the lease is.
    if (is_unwritten(reply.status) || file_bytes() > 0) write(to_text(end, now));
    done(reply);
  });
}

void LeaseJournal::expire(pool::LeaseEnd end, pool::Time now, Done done) {
  store_.expire(std::move(end), now, std::move(done));
}

void LeaseJournal::note_unwritten(const pool::LeaseRecord& record, pool::Time now) {
  write(to_text(record, now));
}

pool::LeaseStore::Done LeaseJournal::noting(pool::LeaseRecord record, pool::Time now, Done done) {
  return [this, record = std::move(record), now, done = std::move(done)](const pool::StoreReply& reply) {
    bool beyond_word = false;
    if (reply.status == pool::StoreStatus::kDone) {
      acknowledged_.fetch_add(1, std::memory_order_relaxed);
      const pool::Time bound = std::max(record.expire, reply.expire) + record.hold;
      note_bound(bound);
      beyond_word = bound.time_since_epoch().count() > word_.load(std::memory_order_relaxed);
    }
    const bool given = reply.status == pool::StoreStatus::kInDoubt || !required_.contains(record.pool);
    // Nor must what the store learns of a lease that is written down: the file would tell an older tale.
    const bool written_down = reply.status == pool::StoreStatus::kDone && file_bytes() > 0;
    if (written_down || beyond_word || (is_unwritten(reply.status) && given)) write(to_text(record, now));
    done(reply);
  };
}

void LeaseJournal::write(const std::string& record) {
  const std::lock_guard lock(mutex_);
  if (file_ != nullptr && !file_->append(record)) dropped_.fetch_add(1, std::memory_order_relaxed);
}

void LeaseJournal::note_bound(pool::Time until) {
  const std::int64_t wanted = until.time_since_epoch().count();
  std::int64_t known = bound_until_.load();
  while (known < wanted && !bound_until_.compare_exchange_weak(known, wanted)) {
  }
}

void LeaseJournal::tick(bool told) {
  if (told && has_ends_) return end_what_ended(*leasing_);
  const std::lock_guard lock(mutex_);
  if (file_ == nullptr || file_->empty()) return;
  // A lease is written down before it counts as one that the store does not know: a second look at the same
  // file is later than that.
  const bool again = std::exchange(told_end_, told ? file_->end() : 0) == file_->end();
  if (told && again) file_->clear();
}

std::uint64_t LeaseJournal::file_bytes() const {
  const std::lock_guard lock(mutex_);
  return file_ == nullptr ? 0 : file_->end() - file_->begin();
}

}  // namespace ringtrace::gateway
