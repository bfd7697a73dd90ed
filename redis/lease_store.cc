#include "redis/lease_store.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <iterator>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "redis/keys.h"
#include "redis/lease_text.h"

namespace ringtrace::redis {
namespace {

using pool::StoreReply;
using pool::StoreStatus;

// Steps of one call: enough to share its price, few enough that Redis is back within a millisecond.
constexpr std::size_t kMaxSteps = 64;
// Calls of one pool under way: the next one is on its way while one is carried out, and the steps that come
// meanwhile gather.
constexpr std::size_t kMaxCalls = 4;
constexpr std::size_t kKeysOfStep = 4;

std::string to_text(pool::Time time) { return std::to_string(time.time_since_epoch().count()); }
std::string to_text(pool::Number number) { return std::to_string(number.digits()); }

pool::Time to_time(const Reply& reply) { return pool::Time(pool::Duration(reply.as_integer().value_or(0))); }

/// Errors that pass by themselves, before anything was written.
bool is_passing(const Reply& error) {
  constexpr std::array kCodes = {"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"};
  for (const char* const code : kCodes) {
    if (error.is_error(code)) return true;
  }
  return false;
}

StoreReply reply_of(StoreStatus status, std::string detail) {
  return {status, pool::Number(), pool::kNever, std::move(detail)};
}

StoreReply not_understood() {
  return reply_of(StoreStatus::kRefused, "not an answer of the function library");
}

StoreReply to_store_reply(const Reply& reply) {
  if (!reply.is_array() || reply.elements.empty()) return not_understood();
  const std::vector<Reply>& parts = reply.elements;
  if (parts[0].is("DONE") && parts.size() == 2) {
    return {StoreStatus::kDone, pool::Number(), to_time(parts[1]), {}};
  }
  if (parts[0].is("HELD")) return reply_of(StoreStatus::kHeldByOther, {});
  if (parts[0].is("NOT_HELD")) return reply_of(StoreStatus::kNotHeld, {});
  if (parts[0].is("ELSEWHERE") && parts.size() == 3) {
    const auto number = pool::Number::parse(parts[2].text);
    if (number) return {StoreStatus::kVisitElsewhere, *number, to_time(parts[1]), {}};
  }
  return not_understood();
}

/// One write as the function library takes it.
struct Step {
  std::string pool;
  std::array<std::string, kKeysOfStep> keys;
  std::vector<std::string> arguments;  ///< its kind first
  pool::Time now = pool::kNever;
  pool::LeaseStore::Done done;
};

}  // namespace

/// Gathers steps into calls. Per pool, because a call is checked against one owner.
class RedisLeaseStore::Writer : public std::enable_shared_from_this<Writer> {
 public:
  Writer(Connection& connection, Claims& claims, LeaseStoreOptions options)
      : connection_(connection), claims_(claims), options_(options) {}

  void write(Step step) {
    if (!connection_.ready()) return step.done(reply_of(StoreStatus::kUnavailable, "not connected"));
    if (outstanding_.fetch_add(1) >= options_.max_writes) {
      --outstanding_;
      return step.done(reply_of(StoreStatus::kUnavailable, "too many writes are waiting"));
    }
    const std::lock_guard lock(mutex_);
    arrived_.push_back(std::move(step));
    if (arrived_.size() > 1) return;
    boost::asio::post(connection_.io(), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->take_arrived();
    });
  }

  /// What is waiting is answered; what is under way is answered by the connection.
  void stop() {
    stopped_ = true;
    take_arrived();
    for (auto& [pool, queue] : queues_) {
      const Steps steps{std::make_move_iterator(queue.waiting.begin()),
                        std::make_move_iterator(queue.waiting.end())};
      queue.waiting.clear();
      finish(steps, reply_of(StoreStatus::kUnavailable, "the store ends"));
    }
  }

  std::size_t outstanding() const { return outstanding_.load(); }

 private:
  struct Queue {
    std::deque<Step> waiting;
    std::size_t calls = 0;
    bool sending = false;  ///< calls that are turned away answer from inside
  };
  using Steps = std::vector<Step>;

  void take_arrived() {
    std::vector<Step> arrived;
    {
      const std::lock_guard lock(mutex_);
      arrived.swap(arrived_);
    }
    for (Step& step : arrived) queues_[step.pool].waiting.push_back(std::move(step));
    for (auto& [pool, queue] : queues_) send(pool, queue);
  }

  void send(const std::string& pool, Queue& queue) {
    if (std::exchange(queue.sending, true)) return;
    while (!stopped_ && !queue.waiting.empty() && queue.calls < kMaxCalls) {
      auto steps = std::make_shared<Steps>();
      while (!queue.waiting.empty() && steps->size() < kMaxSteps) {
        steps->push_back(std::move(queue.waiting.front()));
        queue.waiting.pop_front();
      }
      const std::string_view token = claims_.token(pool);
      if (token.empty()) {
        refuse(*steps);
        continue;
      }
      ++queue.calls;
      const auto answer = std::make_shared<Answer>();
      const bool waits = options_.replicas > 0;
      connection_.execute(command(pool, token, *steps),
                          [self = shared_from_this(), pool, steps, answer, waits](Answer got) {
                            *answer = std::move(got);
                            if (!waits) self->answered(pool, *steps, *answer);
                          });
      if (!waits) continue;
      connection_.execute(wait_command(pool),
                          [self = shared_from_this(), pool, steps, answer](const Answer& reached) {
                            self->note_replicas(*answer, reached);
                            self->answered(pool, *steps, *answer);
                          });
    }
    queue.sending = false;
  }

  /// The pool is another's, or nobody knows yet whose.
  void refuse(const Steps& steps) {
    const std::string owner = claims_.owner();
    finish(steps, reply_of(owner.empty() ? StoreStatus::kUnavailable : StoreStatus::kHeldByOther,
                           owner.empty() ? "not claimed yet" : owner));
  }

  Command command(const std::string& pool, std::string_view token, const Steps& steps) const {
    const std::string keys = std::to_string(2 + kKeysOfStep * steps.size());
    const std::string owner = owner_key(pool);
    const std::string blocks = blocks_key(pool);
    const std::string retention = std::to_string(options_.retention.count());
    pool::Time latest = steps.front().now;
    for (const Step& step : steps) latest = std::max(latest, step.now);
    const std::string now = to_text(latest);
    std::vector<std::string_view> arguments = {"FCALL", "ringtrace_v1_write", keys, owner, blocks};
    arguments.reserve(arguments.size() + steps.size() * 16);
    for (const Step& step : steps) arguments.insert(arguments.end(), step.keys.begin(), step.keys.end());
    arguments.insert(arguments.end(), {token, now, retention});
    for (const Step& step : steps) {
      arguments.insert(arguments.end(), step.arguments.begin(), step.arguments.end());
    }
    return Command(arguments);
  }

  Command wait_command(const std::string& pool) const {
    return Command(
               {"WAIT", std::to_string(options_.replicas), std::to_string(options_.replica_patience.count())})
        .routed_by(owner_key(pool));
  }

  /// What the master has done and too few replicas have may be gone after a failover.
  void note_replicas(Answer& answer, const Answer& reached) const {
    if (answer.outcome != Outcome::kReplied || answer.reply.is_error()) return;
    if (reached.outcome == Outcome::kReplied && reached.reply.as_integer().value_or(0) >= options_.replicas)
      return;
    answer = {Outcome::kInDoubt, {}, "too few replicas have it"};
  }

  void answered(const std::string& pool, const Steps& steps, Answer& answer) {
    --queues_[pool].calls;
    deliver(pool, steps, answer);
    send(pool, queues_[pool]);
  }

  void deliver(const std::string& pool, const Steps& steps, Answer& answer) {
    const Reply& reply = answer.reply;
    if (answer.outcome != Outcome::kReplied) {
      const bool doubt = answer.outcome == Outcome::kInDoubt;
      return finish(steps,
                    reply_of(doubt ? StoreStatus::kInDoubt : StoreStatus::kUnavailable, answer.detail));
    }
    if (reply.is_error()) return failed(steps, reply);
    const std::vector<Reply>& parts = reply.elements;
    if (parts.size() == steps.size() + 2 && parts[0].is("WRITTEN")) {
      claims_.written(pool, static_cast<std::uint64_t>(parts[1].as_integer().value_or(0)));
      outstanding_ -= steps.size();
      for (std::size_t i = 0; i < steps.size(); ++i) steps[i].done(to_store_reply(parts[i + 2]));
      return;
    }
    if (parts.size() == 3 && parts[0].is("FENCED")) {
      claims_.fenced(pool, parts[1].text, parts[2].as_integer().value_or(0));
      return refuse(steps);
    }
    if (parts.size() == 1 && parts[0].is("UNCLAIMED")) {
      claims_.unclaimed(pool);
      return finish(steps, reply_of(StoreStatus::kUnavailable, "the store lost the claim"));
    }
    finish(steps, not_understood());
  }

  void failed(const Steps& steps, const Reply& error) {
    // Someone flushed the functions: they are loaded anew with a new connection.
    const bool gone = error.is_error("ERR Function not found");
    if (gone) connection_.reset("the function library is gone");
    finish(steps, reply_of(gone || is_passing(error) ? StoreStatus::kUnavailable : StoreStatus::kRefused,
                           error.text));
  }

  void finish(const Steps& steps, const StoreReply& reply) {
    outstanding_ -= steps.size();
    for (const Step& step : steps) step.done(reply);
  }

  Connection& connection_;
  Claims& claims_;
  const LeaseStoreOptions options_;

  // Own synchronization.
  std::atomic<std::size_t> outstanding_{0};
  std::mutex mutex_;
  std::vector<Step> arrived_;  // by mutex_

  // The io thread only.
  std::unordered_map<std::string, Queue> queues_;
  bool stopped_ = false;
};

RedisLeaseStore::RedisLeaseStore(Connection& connection, Claims& claims, LeaseStoreOptions options)
    : connection_(connection), writer_(std::make_shared<Writer>(connection, claims, options)) {}

RedisLeaseStore::~RedisLeaseStore() { writer_->stop(); }

std::size_t RedisLeaseStore::outstanding() const { return writer_->outstanding(); }

namespace {

std::array<std::string, kKeysOfStep> keys_of(const std::string& pool, pool::Number number,
                                             const std::string& visit) {
  return {lease_key(pool, number), visit_key(pool, visit), attributes_key(pool, number),
          holders_key(pool, number)};
}

Step end_step(std::string kind, const pool::LeaseEnd& end, pool::Time now, pool::LeaseStore::Done done) {
  return {end.pool,
          keys_of(end.pool, end.number, end.visit_id),
          {std::move(kind), to_text(end.number), end.visit_id, to_text(end.end)},
          now,
          std::move(done)};
}

}  // namespace

void RedisLeaseStore::lease(pool::LeaseRecord record, pool::Time now, Done done) {
  writer_->write({record.pool,
                  keys_of(record.pool, record.number, record.visit_id),
                  {"lease", to_text(record.number), record.visit_id, to_text(record.start),
                   to_text(record.expire), std::to_string(record.hold.count()), escape_word(record.source),
                   escape_word(record.visitor_id), attributes_to_json(record.attributes)},
                  now,
                  std::move(done)});
}

void RedisLeaseStore::renew(pool::LeaseRecord record, pool::Time now, Done done) {
  writer_->write({record.pool,
                  keys_of(record.pool, record.number, record.visit_id),
                  {"renew", to_text(record.number), record.visit_id, to_text(record.expire),
                   std::to_string(record.hold.count())},
                  now,
                  std::move(done)});
}

void RedisLeaseStore::release(pool::LeaseEnd end, pool::Time now, Done done) {
  writer_->write(end_step("release", end, now, std::move(done)));
}

void RedisLeaseStore::expire(pool::LeaseEnd end, pool::Time now, Done done) {
  writer_->write(end_step("expire", end, now, std::move(done)));
}

}  // namespace ringtrace::redis
