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
// Calls of one pool under way: the next one is on its way while one is carried out, and the steps that come
// meanwhile gather.
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

void LeaseWriter::write(LeaseStep step) {
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
void LeaseWriter::stop() {
  stopped_ = true;
  take_arrived();
  for (auto& [pool, queue] : queues_) {
    const LeaseSteps steps{std::make_move_iterator(queue.waiting.begin()),
                           std::make_move_iterator(queue.waiting.end())};
    queue.waiting.clear();
    finish(steps, reply_of(StoreStatus::kUnavailable, "the store ends"));
  }
}

void LeaseWriter::take_arrived() {
  std::vector<LeaseStep> arrived;
  {
    const std::lock_guard lock(mutex_);
    arrived.swap(arrived_);
  }
  for (LeaseStep& step : arrived) queues_[step.pool].waiting.push_back(std::move(step));
  for (auto& [pool, queue] : queues_) send(pool, queue);
}

void LeaseWriter::send(const std::string& pool, Queue& queue) {
  if (std::exchange(queue.sending, true)) return;
  while (!stopped_ && !queue.waiting.empty() && queue.calls < kMaxCalls) {
    // What waits is divided among the calls that may go, so that Redis has one while we have another.
    const std::size_t free_calls = kMaxCalls - queue.calls;
    const std::size_t share = (queue.waiting.size() + free_calls - 1) / free_calls;
    const auto steps =
        std::make_shared<LeaseSteps>(take_steps(queue, std::clamp(share, kMinSteps, kMaxSteps)));
    const std::string_view token = claims_.token(pool);
    if (token.empty()) {
      refuse(*steps);
      continue;
    }
    ++queue.calls;
    const auto answer = std::make_shared<Answer>();
    const bool waits = options_.replicas > 0;
    connection_.execute(lease_call(pool, token, *steps, options_.retention),
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
void LeaseWriter::note_replicas(Answer& answer, const Answer& reached) const {
  if (answer.outcome != Outcome::kReplied || answer.reply.is_error()) return;
  if (reached.outcome == Outcome::kReplied && reached.reply.as_integer().value_or(0) >= options_.replicas)
    return;
  answer = {Outcome::kInDoubt, {}, "too few replicas have it"};
}

void LeaseWriter::answered(const std::string& pool, const LeaseSteps& steps, Answer& answer) {
  const pool::AnswerRound round;
  --queues_[pool].calls;
  deliver(pool, steps, answer);
  send(pool, queues_[pool]);
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
