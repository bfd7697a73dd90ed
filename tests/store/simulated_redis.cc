#include "tests/store/simulated_redis.h"

#include <algorithm>
#include <utility>

namespace ringtrace::store_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kSyncEvery = seconds(1);
constexpr auto kOldBooksEvery = seconds(5);

bool is_write(const std::vector<std::string>& command) { return command[0] == "FCALL"; }

/// A function call without its keys, and what came of it.
std::string told(const std::vector<std::string>& command, const redis::Reply& reply) {
  std::string text = command[1];
  for (std::size_t i = 3 + std::stoull(command[2]); i < command.size(); ++i) text += ' ' + command[i];
  return text + " -> " + to_text(reply);
}

}  // namespace

SimulatedRedis::SimulatedRedis(VirtualTime& time, Dice& dice, FaultCounts& faults, Options options)
    : time_(time), dice_(dice), faults_(faults), options_(options) {
  master_.syncs_each_write = options_.syncs_each_write;
  master_.fences = options_.fences;
  if (!options_.syncs_each_write) sync();
  if (options_.has_replica) replicate();
  keep_old_books();
}

void SimulatedRedis::sync() {
  if (up_) {
    synced_ = master_.books;
    if (history != nullptr) history->push_back({Entry::Kind::kSynced, {}, {}, false});
  }
  time_.after(kSyncEvery, [this] { sync(); });
}

void SimulatedRedis::replicate() {
  // A replica that has lost its master for a while takes all of it then.
  if (dice_.one_in(12)) replica_follows_ = !replica_follows_;
  if (up_ && replica_follows_) replica_ = master_.books;
  time_.after(milliseconds(dice_.between(1, 200)), [this] { replicate(); });
}

void SimulatedRedis::keep_old_books() {
  old_.push_back(master_.books);
  if (old_.size() > 3) old_.pop_front();
  time_.after(kOldBooksEvery, [this] { keep_old_books(); });
}

std::shared_ptr<Link> SimulatedRedis::connect() {
  if (!up_ || stalled_until_ > time_.now()) return nullptr;
  const auto client = static_cast<std::int64_t>(links_.size() + 1);
  return links_[client] = std::make_shared<Link>(client, master_.run_id);
}

redis::Reply SimulatedRedis::wait_for_replica(std::int64_t wanted) {
  redis::Reply reply;
  reply.kind = redis::Reply::Kind::kInteger;
  if (wanted > 0 && replica_follows_) {
    replica_ = master_.books;
    reply.integer = 1;
  }
  return reply;
}

std::optional<redis::Reply> SimulatedRedis::execute(const Link& link,
                                                    const std::vector<std::string>& command) {
  if (!up_ || link.ended || link.run != master_.run_id) return std::nullopt;
  if (command[0] == "CLIENT" && command[1] == "LIST") {
    const Link& asked = *links_.at(std::stoll(command[3]));
    const bool there = asked.run == master_.run_id && !asked.ended && (asked.open || asked.unread > 0);
    return text_reply(there ? "id=" + command[3] : "");
  }
  if (command[0] == "WAIT") return wait_for_replica(std::stoll(command[1]));
  if (full_ && is_write(command)) {
    faults_.count(Fault::kStoreFull);
    return error_reply("OOM command not allowed when used memory > 'maxmemory'.");
  }
  const std::int64_t now = time_.now().time_since_epoch().count();
  Entry entry{Entry::Kind::kCommand, command, {}, master_.books.owner.until <= now};
  redis::Reply reply = master_.execute(command, now, link.client);
  if (options_.denies_losses && command.size() > 1 && command[1] == "ringtrace_v1_claim" &&
      reply.elements[0].is("CLAIMED")) {
    reply.elements[7] = reply.elements[4];
    reply.elements[8] = reply.elements[5];
  }
  if (reply.is_array() && !reply.elements.empty() && reply.elements[0].is("FENCED")) {
    faults_.count(Fault::kStaleWrite);
  }
  if (tell && command[0] == "FCALL") tell(told(command, reply));
  if (history != nullptr) {
    entry.reply = reply;
    history->push_back(std::move(entry));
  }
  return reply;
}

void SimulatedRedis::stall(pool::Duration time) {
  faults_.count(Fault::kStall);
  stalled_until_ = std::max(stalled_until_, time_.now() + time);
}

void SimulatedRedis::come_back_as(const Books& books) {
  const std::uint64_t writes = master_.books.writes;
  master_.books = books;
  if (!options_.counts_writes) master_.books.writes = writes;
  master_.run_id = "run-" + std::to_string(++runs_);
  synced_ = master_.books;
  replica_ = master_.books;
  stalled_until_ = {};
  if (lost) lost();
}

void SimulatedRedis::crash() {
  faults_.count(Fault::kStoreCrash);
  if (history != nullptr) history->push_back({Entry::Kind::kCrash, {}, {}, false});
  up_ = false;
  if (!options_.syncs_each_write) {
    if (synced_.writes != master_.books.writes) faults_.count(Fault::kTailLost);
    for (const auto& [number, lease] : synced_.leases) {
      const Books::Lease& newest = master_.books.leases.at(number);
      if (newest.visit == lease.visit && newest.start == lease.start && newest.end > lease.end) {
        faults_.count(Fault::kRenewalLost);
      }
    }
  }
  come_back_as(options_.syncs_each_write ? Books(master_.books) : Books(synced_));
}

void SimulatedRedis::fail_over() {
  faults_.count(Fault::kFailover);
  if (replica_.writes != master_.books.writes) faults_.count(Fault::kFailoverLoss);
  master_.replid = "replication-" + std::to_string(runs_ + 1);
  come_back_as(Books(replica_));
}

void SimulatedRedis::crash_empty() {
  faults_.count(Fault::kStoreEmpty);
  if (history != nullptr) history->push_back({Entry::Kind::kEmptied, {}, {}, false});
  up_ = false;
  come_back_as({});
}

void SimulatedRedis::crash_to_old_books() {
  faults_.count(Fault::kOldBooks);
  up_ = false;
  come_back_as(Books(old_.front()));
}

}  // namespace ringtrace::store_test
