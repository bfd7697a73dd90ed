#include "redis/lease_writer.h"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <iterator>
#include <utility>

#include "pool/answer_round.h"
#include "redis/keys.h"

namespace ringtrace::redis {
namespace {

using pool::StoreReply;
using pool::StoreStatus;

// Steps of one call: enough to share its price, few enough that Redis is back within a millisecond or two.
constexpr std::size_t kMaxSteps = 256;
// Fewer are not divided among calls.
constexpr std::size_t kMinSteps = 32;
// Calls of one pool under way, when there is enough for more than one: the next one is on its way while one
// is carried out.
constexpr std::size_t kMaxCalls = 3;

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

/// Steps on their way, and what was answered.
struct LeaseWriter::Call {
  std::string pool;
  LeaseSteps steps;
  Answer answer;
  Answer reached;   // of the WAIT behind it
  int awaited = 0;  // answers
};

void LeaseWriter::write(LeaseStep step) {
  // Who is answered by the end may ask again; by then the connection is gone.
  if (stopped_) return step.done(reply_of(StoreStatus::kUnavailable, "the store ends"));
  if (!connection_.ready()) return step.done(reply_of(StoreStatus::kUnavailable, "not connected"));
  if (outstanding_.fetch_add(1) >= options_.max_writes) {
    --outstanding_;
    return step.done(reply_of(StoreStatus::kUnavailable, "too many writes are waiting"));
  }
  std::unique_lock lock(mutex_);
  if (stopped_) {  // meanwhile
    lock.unlock();
    --outstanding_;
    return step.done(reply_of(StoreStatus::kUnavailable, "the store ends"));
  }
  Queue& queue = queues_[step.pool];
  queue.waiting.push_back(std::move(step));
  // Else it goes with the next reply: the loop need not be woken for it.
  if (!may_send(queue) || std::exchange(waking_, true)) return;
  lock.unlock();
  boost::asio::post(connection_.io(), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->send_all();
  });
}

/// What is waiting is answered; what is under way is answered by the connection.
void LeaseWriter::stop() {
  LeaseSteps steps;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (auto& [pool, queue] : queues_) {
      std::move(queue.waiting.begin(), queue.waiting.end(), std::back_inserter(steps));
      queue.waiting.clear();
    }
  }
  finish(steps, reply_of(StoreStatus::kUnavailable, "the store ends"));
}

void LeaseWriter::send_all() {
  std::unique_lock lock(mutex_);
  waking_ = false;
  // While it is unlocked pools can be added, which moves none of those that are there.
  std::vector<std::pair<const std::string*, Queue*>> all;
  for (auto& [pool, queue] : queues_) all.emplace_back(&pool, &queue);
  for (const auto& [pool, queue] : all) send(*pool, *queue, lock);
}

bool LeaseWriter::may_send(const Queue& queue) {
  if (queue.calls == 0) return !queue.waiting.empty();
  return queue.calls < kMaxCalls && queue.waiting.size() >= kMinSteps;
}

/// With the mutex held, which is given up for each call: who is turned away is answered from inside.
void LeaseWriter::send(const std::string& pool, Queue& queue, std::unique_lock<std::mutex>& lock) {
  if (std::exchange(queue.sending, true)) return;
  while (!stopped_ && may_send(queue)) {
    // What waits is divided among the calls that may go, so that Redis has one while we have another.
    const std::size_t free_calls = kMaxCalls - queue.calls;
    const std::size_t share = (queue.waiting.size() + free_calls - 1) / free_calls;
    auto call = std::make_shared<Call>();
    call->pool = pool;
    call->steps = take_steps(queue, std::clamp(share, kMinSteps, kMaxSteps));
    ++queue.calls;
    lock.unlock();
    send_call(call);
    lock.lock();
  }
  queue.sending = false;
}

void LeaseWriter::send_call(const CallPtr& call) {
  const std::string_view token = claims_.token(call->pool);
  if (token.empty()) {
    refuse(call->steps);
    const std::lock_guard lock(mutex_);
    --queues_[call->pool].calls;
    return;
  }
  const bool waits = options_.replicas > 0;
  call->awaited = waits ? 2 : 1;
  connection_.execute(lease_call(call->pool, token, call->steps, options_.retention),
                      [self = shared_from_this(), call](Answer answer) {
                        call->answer = std::move(answer);
                        if (--call->awaited == 0) self->answered(*call);
                      });
  if (!waits) return;
  connection_.execute(wait_command(call->pool), [self = shared_from_this(), call](Answer reached) {
    call->reached = std::move(reached);
    if (--call->awaited == 0) self->answered(*call);
  });
}

/// The first that wait, at most `most`, by block and kind. A step of a number or a visit that is among them
/// already waits for the next call, and all behind it: those of one call have no order.
LeaseSteps LeaseWriter::take_steps(Queue& queue, std::size_t most) {
  numbers_.clear();
  visits_.clear();
  std::size_t count = 0;
  for (const LeaseStep& step : queue.waiting) {
    if (count == most || !numbers_.insert(step.number).second || !visits_.insert(step.visit).second) break;
    ++count;
  }
  const auto end = queue.waiting.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<LeaseStep*> order;
  order.reserve(count);
  for (auto step = queue.waiting.begin(); step != end; ++step) order.push_back(&*step);
  std::stable_sort(order.begin(), order.end(), [](const LeaseStep* a, const LeaseStep* b) {
    return std::pair(a->block, a->kind) < std::pair(b->block, b->kind);
  });
  LeaseSteps steps;
  steps.reserve(count);
  for (LeaseStep* const step : order) steps.push_back(std::move(*step));
  queue.waiting.erase(queue.waiting.begin(), end);
  return steps;
}

/// The pool is another's, or nobody knows yet whose.
void LeaseWriter::refuse(const LeaseSteps& steps) {
  const std::string owner = claims_.owner();
  finish(steps, reply_of(owner.empty() ? StoreStatus::kUnavailable : StoreStatus::kHeldByOther,
                         owner.empty() ? "not claimed yet" : owner));
}

Command LeaseWriter::wait_command(const std::string& pool) const {
  return Command(
             {"WAIT", std::to_string(options_.replicas), std::to_string(options_.replica_patience.count())})
      .routed_by(owner_key(pool));
}

/// What the master has done and too few replicas have may be gone after a failover.
void LeaseWriter::note_replicas(Call& call) const {
  if (call.answer.outcome != Outcome::kReplied || call.answer.reply.is_error()) return;
  const auto replicas =
      call.reached.outcome == Outcome::kReplied ? call.reached.reply.as_integer() : std::nullopt;
  if (replicas.value_or(0) < options_.replicas) {
    call.answer = {Outcome::kInDoubt, {}, "too few replicas have it"};
  }
}

void LeaseWriter::answered(Call& call) {
  const pool::AnswerRound round;
  if (options_.replicas > 0) note_replicas(call);
  deliver(call.pool, call.steps, call.answer);
  std::unique_lock lock(mutex_);
  Queue& queue = queues_[call.pool];
  --queue.calls;
  send(call.pool, queue, lock);
}

void LeaseWriter::deliver(const std::string& pool, const LeaseSteps& steps, Answer& answer) {
  const Reply& reply = answer.reply;
  if (answer.outcome != Outcome::kReplied) {
    const bool doubt = answer.outcome == Outcome::kInDoubt;
    return finish(steps, reply_of(doubt ? StoreStatus::kInDoubt : StoreStatus::kUnavailable, answer.detail));
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
void LeaseWriter::written(const LeaseSteps& steps, const std::vector<Reply>& parts) {
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

void LeaseWriter::failed(const LeaseSteps& steps, const Reply& error) {
  // Someone flushed the functions: they are loaded anew with a new connection.
  const bool gone = error.is_error("ERR Function not found");
  if (gone) connection_.reset("the function library is gone");
  if (is_halfway(error)) return finish(steps, reply_of(StoreStatus::kInDoubt, error.text));
  finish(steps,
         reply_of(gone || is_passing(error) ? StoreStatus::kUnavailable : StoreStatus::kRefused, error.text));
}

void LeaseWriter::finish(const LeaseSteps& steps, const StoreReply& reply) {
  outstanding_ -= steps.size();
  for (const LeaseStep& step : steps) step.done(reply);
}

}  // namespace ringtrace::redis
