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
#include <unordered_set>
#include <utility>

#include "redis/keys.h"
#include "redis/lease_text.h"

namespace ringtrace::redis {
namespace {

using pool::StoreReply;
using pool::StoreStatus;

// Steps of one call: enough to share its price, few enough that Redis is back within a millisecond or two.
constexpr std::size_t kMaxSteps = 256;
// Fewer are not divided among calls.
constexpr std::size_t kMinSteps = 32;
// Calls of one pool under way: the next one is on its way while one is carried out, and the steps that come
// meanwhile gather.
constexpr std::size_t kMaxCalls = 4;
// Of a call's encoding, beside its steps' own: only to reserve memory.
constexpr std::size_t kBytesOfBlock = 200;
constexpr std::size_t kBytesOfStep = 160;

std::string to_text(pool::Time time) { return std::to_string(time.time_since_epoch().count()); }

pool::Time to_time(const Reply& reply) { return pool::Time(pool::Duration(reply.as_integer().value_or(0))); }

/// Errors that pass by themselves, before anything was written.
bool is_passing(const Reply& error) {
  constexpr std::array kCodes = {"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"};
  for (const char* const code : kCodes) {
    if (error.is_error(code)) return true;
  }
  return false;
}

/// A Redis Cluster whose slot is moving stopped the function at a key that is not there (any more).
bool is_halfway(const Reply& error) { return error.text.find("non local key") != std::string::npos; }

StoreReply reply_of(StoreStatus status, std::string detail) {
  return {status, pool::Number(), pool::kNever, std::move(detail)};
}

StoreReply not_understood() {
  return reply_of(StoreStatus::kRefused, "not an answer of the function library");
}

/// One write as the function library takes it: what is not shared by all of a call.
struct Step {
  std::string pool;
  std::string_view kind;
  std::uint64_t block = 0;
  std::uint64_t number = 0;
  std::uint64_t visit = 0;  ///< its place in the index
  Arguments bucket;         ///< the key of the visit's bucket
  Arguments arguments;      ///< without its kind
  pool::Time now = pool::kNever;
  pool::Time asked = pool::kNever;  ///< the end that is to be stored
  pool::Duration hold{};
  pool::LeaseStore::Done done;

  StoreReply as_asked() const { return {StoreStatus::kDone, pool::Number(), asked, {}}; }
};

/// An answer that is not as the step asked for: its place, then what.
StoreReply to_store_reply(const std::vector<Reply>& parts) {
  if (parts[1].is("DONE") && parts.size() == 3) {
    return {StoreStatus::kDone, pool::Number(), to_time(parts[2]), {}};
  }
  if (parts[1].is("HELD")) return reply_of(StoreStatus::kHeldByOther, {});
  if (parts[1].is("NOT_HELD")) return reply_of(StoreStatus::kNotHeld, {});
  if (parts[1].is("ELSEWHERE") && parts.size() == 4) {
    const auto number = pool::Number::parse(parts[3].text);
    if (number) return {StoreStatus::kVisitElsewhere, *number, to_time(parts[2]), {}};
  }
  return not_understood();
}

}  // namespace

/// Gathers steps into calls. Per pool, because a call is checked against one owner.
class RedisLeaseStore::Writer : public std::enable_shared_from_this<Writer> {
 public:
  Writer(Connection& connection, Claims& claims, LeaseStoreOptions options)
      : connection_(connection), claims_(claims), options_(options) {}

  void write(Step step) {
    // Who is answered by the end may ask again; by then the connection is gone.
    if (stopped_) return step.done(reply_of(StoreStatus::kUnavailable, "the store ends"));
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
      // What waits is divided among the calls that may go, so that Redis has one while we have another.
      const std::size_t free_calls = kMaxCalls - queue.calls;
      const std::size_t share = (queue.waiting.size() + free_calls - 1) / free_calls;
      const auto steps =
          std::make_shared<const Steps>(take_steps(queue, std::clamp(share, kMinSteps, kMaxSteps)));
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

  /// The first that wait, at most `most`, by block and kind. A step of a number or a visit that is among them
  /// already waits for the next call, and all behind it: those of one call have no order.
  Steps take_steps(Queue& queue, std::size_t most) {
    numbers_.clear();
    visits_.clear();
    std::size_t count = 0;
    for (const Step& step : queue.waiting) {
      if (count == most || !numbers_.insert(step.number).second || !visits_.insert(step.visit).second) break;
      ++count;
    }
    const auto end = queue.waiting.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Step*> order;
    order.reserve(count);
    for (auto step = queue.waiting.begin(); step != end; ++step) order.push_back(&*step);
    std::stable_sort(order.begin(), order.end(), [](const Step* a, const Step* b) {
      return std::pair(a->block, a->kind) < std::pair(b->block, b->kind);
    });
    Steps steps;
    steps.reserve(count);
    for (Step* const step : order) steps.push_back(std::move(*step));
    queue.waiting.erase(queue.waiting.begin(), end);
    return steps;
  }

  /// The pool is another's, or nobody knows yet whose.
  void refuse(const Steps& steps) {
    const std::string owner = claims_.owner();
    finish(steps, reply_of(owner.empty() ? StoreStatus::kUnavailable : StoreStatus::kHeldByOther,
                           owner.empty() ? "not claimed yet" : owner));
  }

  /// See write_leases in functions_leases.lua.
  Command command(const std::string& pool, std::string_view token, const Steps& steps) const {
    std::vector<std::uint64_t> blocks;
    pool::Time now = steps.front().now;
    pool::Time leases_until = now;
    pool::Time visits_until = now;
    std::size_t bytes = 0;
    for (const Step& step : steps) {
      if (blocks.empty() || blocks.back() != step.block) blocks.push_back(step.block);
      now = std::max(now, step.now);
      leases_until = std::max(leases_until, step.asked + std::max(step.hold, options_.retention));
      visits_until = std::max(visits_until, step.asked + step.hold);
      bytes += step.bucket.bytes().size() + step.arguments.bytes().size();
    }
    const std::string owner = owner_key(pool);
    Arguments all;
    all.reserve(bytes + (blocks.size() + 4) * kBytesOfBlock);
    all.add("FCALL");
    all.add("ringtrace_v1_write_leases");
    all.add(2 + 2 * blocks.size() + steps.size());
    all.add(owner);
    all.add(blocks_key(pool));
    for (const std::uint64_t block : blocks) {
      all.add(lease_key_of_block(pool, block));
      all.add(attributes_key_of_block(pool, block));
    }
    for (const Step& step : steps) all.add(step.bucket);
    all.add(token);
    all.add(to_text(now));
    all.add(std::to_string(options_.retention.count()));
    all.add(blocks.size());
    all.add(to_text(leases_until));
    all.add(to_text(visits_until));
    std::size_t block = 0;
    for (std::size_t i = 0; i < steps.size();) {
      const Step& first = steps[i];
      if (blocks[block] != first.block) ++block;
      std::size_t end = i;
      while (end < steps.size() && steps[end].block == first.block && steps[end].kind == first.kind) ++end;
      all.add(first.kind);
      all.add(block + 1);
      all.add(end - i);
      for (; i < end; ++i) all.add(steps[i].arguments);
    }
    return {all, owner};
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
    if (parts.size() >= 2 && parts[0].is("WRITTEN")) {
      claims_.written(pool, static_cast<std::uint64_t>(parts[1].as_integer().value_or(0)));
      return written(steps, parts);
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

  /// Told of are only those steps, in order, of which not all is as they asked for.
  void written(const Steps& steps, const std::vector<Reply>& parts) {
    outstanding_ -= steps.size();
    std::size_t next = 2;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const std::vector<Reply>* const told = next < parts.size() ? &parts[next].elements : nullptr;
      const bool differs =
          told != nullptr && told->size() >= 2 && told->front().as_integer() == static_cast<std::int64_t>(i);
      if (differs) ++next;
      steps[i].done(differs ? to_store_reply(*told) : steps[i].as_asked());
    }
  }

  void failed(const Steps& steps, const Reply& error) {
    // Someone flushed the functions: they are loaded anew with a new connection.
    const bool gone = error.is_error("ERR Function not found");
    if (gone) connection_.reset("the function library is gone");
    if (is_halfway(error)) return finish(steps, reply_of(StoreStatus::kInDoubt, error.text));
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
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::vector<Step> arrived_;  // by mutex_

  // The io thread only.
  std::unordered_map<std::string, Queue> queues_;
  std::unordered_set<std::uint64_t> numbers_;  ///< of the call that is being made
  std::unordered_set<std::uint64_t> visits_;
};

RedisLeaseStore::RedisLeaseStore(Connection& connection, Claims& claims, LeaseStoreOptions options)
    : connection_(connection), writer_(std::make_shared<Writer>(connection, claims, options)) {}

RedisLeaseStore::~RedisLeaseStore() { writer_->stop(); }

std::size_t RedisLeaseStore::outstanding() const { return writer_->outstanding(); }

namespace {

Step step_of(std::string_view kind, std::string pool, pool::Number number, std::string_view visit,
             const VisitPlace& place) {
  Step step;
  step.kind = kind;
  step.block = block_of(number);
  step.number = number.digits();
  step.visit = place.as_integer();
  step.bucket.add(visits_key(pool, place.bucket));
  step.arguments.reserve(kBytesOfStep + visit.size());
  step.arguments.add(number.digits());
  step.pool = std::move(pool);
  return step;
}

Step end_step(std::string_view kind, pool::LeaseEnd end, pool::Time now, pool::LeaseStore::Done done) {
  const VisitPlace place = place_of(end.visit_id);
  Step step = step_of(kind, std::move(end.pool), end.number, end.visit_id, place);
  step.arguments.add(place.field);
  step.arguments.add(end.visit_id);
  step.arguments.add(to_text(end.end));
  step.now = now;
  step.asked = end.end;
  step.done = std::move(done);
  return step;
}

}  // namespace

void RedisLeaseStore::lease(pool::LeaseRecord record, pool::Time now, Done done) {
  const std::string attributes = attributes_to_json(record.attributes);
  const VisitPlace place = place_of(record.visit_id);
  Step step = step_of(attributes.empty() ? "lease" : "named", std::move(record.pool), record.number,
                      record.visit_id, place);
  step.arguments.add(place.field);
  step.arguments.add(to_lease_text(record));
  if (!attributes.empty()) step.arguments.add(attributes);
  step.now = now;
  step.asked = record.expire;
  step.hold = record.hold;
  step.done = std::move(done);
  writer_->write(std::move(step));
}

void RedisLeaseStore::renew(pool::LeaseRecord record, pool::Time now, Done done) {
  Step step =
      step_of("renew", std::move(record.pool), record.number, record.visit_id, place_of(record.visit_id));
  step.arguments.add(record.visit_id);
  step.arguments.add(to_text(record.expire));
  step.arguments.add(std::to_string(record.hold.count()));
  step.now = now;
  step.asked = record.expire;
  step.hold = record.hold;
  step.done = std::move(done);
  writer_->write(std::move(step));
}

void RedisLeaseStore::release(pool::LeaseEnd end, pool::Time now, Done done) {
  writer_->write(end_step("release", std::move(end), now, std::move(done)));
}

void RedisLeaseStore::expire(pool::LeaseEnd end, pool::Time now, Done done) {
  writer_->write(end_step("expire", std::move(end), now, std::move(done)));
}

}  // namespace ringtrace::redis
