#include "grpc/shared_subscription.h"

#include <algorithm>
#include <utility>

namespace ringtrace::rpc {

class SharedSubscription::Consumer final : public EventSource, public std::enable_shared_from_this<Consumer> {
 public:
  explicit Consumer(std::shared_ptr<SharedSubscription> of) : subscription(std::move(of)) {}

  void open(OpenDone done) override {
    {
      const std::lock_guard lock(subscription->mutex_);
      opening = std::move(done);
    }
    subscription->begin();
  }

  void next(NextDone done) override {
    {
      const std::lock_guard lock(subscription->mutex_);
      waiting = std::move(done);
    }
    subscription->pump();
  }

  bool has_next() override {
    const std::lock_guard lock(subscription->mutex_);
    return may_take() && !assigned.empty();
  }

  void acknowledge(const std::string& cursor) override { subscription->acknowledge(*this, cursor); }

  void wake() override {
    std::shared_ptr<EventFeed> feed;
    {
      const std::lock_guard lock(subscription->mutex_);
      feed = subscription->feed_;
    }
    if (feed) feed->wake();
  }

  void close() override { subscription->leave(shared_from_this()); }

  bool may_take() const { return !error && delivered.size() < kMaxUnacknowledged; }
  std::size_t load() const { return assigned.size() + delivered.size(); }

  const std::shared_ptr<SharedSubscription> subscription;

  // By the subscription's mutex.
  OpenDone opening;
  NextDone waiting;
  std::deque<std::uint64_t> assigned;   // to be given, in this order
  std::deque<std::uint64_t> delivered;  // given and not acknowledged, in the order given
  std::optional<Error> error;
};

SharedSubscription::SharedSubscription(CallEventLog& log, SubscriptionStore& store, std::string name,
                                       EventFilter filter)
    : log_(log), store_(store), name_(std::move(name)), filter_(std::move(filter)) {}

std::shared_ptr<EventSource> SharedSubscription::join() {
  const auto consumer = std::make_shared<Consumer>(shared_from_this());
  const std::lock_guard lock(mutex_);
  consumers_.push_back(consumer);
  return consumer;
}

void SharedSubscription::begin() {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = !std::exchange(begun_, true);
  }
  if (!first) return pump();
  store_.open(name_, [self = shared_from_this()](const SubscriptionPlace& place) { self->placed(place); });
}

void SharedSubscription::placed(const SubscriptionPlace& place) {
  if (place.status == SubscriptionPlace::Status::kTooMany) return fail(too_many_subscriptions(name_));
  if (place.status != SubscriptionPlace::Status::kKnown) return fail(log_unavailable(""));
  const std::shared_ptr<EventFeed> feed = EventFeed::after(log_, filter_, place.cursor);
  {
    const std::lock_guard lock(mutex_);
    if (consumers_.empty()) return;
    feed_ = feed;
  }
  feed->open([self = shared_from_this()](const Outcome& error, const EventSource::Place& at) {
    self->opened(error, at);
  });
}

void SharedSubscription::opened(const Outcome& error, const EventSource::Place& place) {
  if (error) return fail(*error);
  {
    const std::lock_guard lock(mutex_);
    place_ = place;
  }
  pump();
}

void SharedSubscription::took(std::variant<SharedEvent, Error> next) {
  if (const Error* error = std::get_if<Error>(&next)) return fail(*error);
  {
    const std::lock_guard lock(mutex_);
    fetching_ = false;
    if (consumers_.empty()) return;
    SharedEvent event = std::get<SharedEvent>(std::move(next));
    bytes_ += event->ByteSizeLong();
    std::string cursor = event->cursor();
    window_.push_back({std::move(event), std::move(cursor), nullptr});
    assign(first_ + window_.size() - 1);
  }
  pump();
}

void SharedSubscription::fail(const Error& error) {
  // What has left the log can never be acknowledged; the next stream goes on with what there is.
  if (error.reason == Reason::kCursorTrimmed) store_.acknowledge(name_, error.metadata.at("oldest_cursor"));
  {
    const std::lock_guard lock(mutex_);
    error_ = error;
    for (const ConsumerPtr& consumer : consumers_) consumer->error = error;
  }
  pump();
}

void SharedSubscription::acknowledge(Consumer& consumer, const std::string& cursor) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(consumer.delivered.begin(), consumer.delivered.end(),
                                    [&](std::uint64_t sequence) { return entry(sequence).cursor == cursor; });
    if (found == consumer.delivered.end()) return;  // acknowledged before, or never given to it
    const auto end = found + 1;
    std::for_each(consumer.delivered.begin(), end, [this](std::uint64_t sequence) {
      settle(sequence);
      Entry& done = entry(sequence);
      bytes_ -= done.event->ByteSizeLong();
      done.event.reset();
    });
    consumer.delivered.erase(consumer.delivered.begin(), end);
    slide();
  }
  pump();
}

void SharedSubscription::leave(const ConsumerPtr& consumer) {
  EventSource::NextDone waiting;  // destroyed outside the lock: they may own something large
  EventSource::OpenDone opening;
  std::shared_ptr<EventFeed> over;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(consumer->waiting);
    opening.swap(consumer->opening);
    if (std::erase(consumers_, consumer) > 0) hand_over(*consumer);
    if (consumers_.empty()) over = feed_;
  }
  if (over) over->close();
  pump();
}

/// Of those that wait for an event, or else of all.
SharedSubscription::ConsumerPtr SharedSubscription::least_loaded() const {
  const auto order = [](const ConsumerPtr& consumer) {
    return std::pair(consumer->waiting == nullptr, consumer->load());
  };
  ConsumerPtr least;
  for (const ConsumerPtr& consumer : consumers_) {
    if (!consumer->error && (!least || order(consumer) < order(least))) least = consumer;
  }
  return least;
}

/// Gives the event to the consumer that has its call, else to the one that has the least to do, so that who
/// is stopped gets no more.
void SharedSubscription::assign(std::uint64_t sequence) {
  Entry& given = entry(sequence);
  const std::string& call_id = given.event->call().call_id();
  const auto call = calls_.find(call_id);
  given.holder = call == calls_.end() ? least_loaded() : call->second.consumer;
  if (!given.holder) return unassigned_.push_back(sequence);
  CallHolder& held = calls_[call_id];
  held.consumer = given.holder;
  ++held.events;
  given.holder->assigned.push_back(sequence);
}

/// The event is nobody's any more.
void SharedSubscription::settle(std::uint64_t sequence) {
  Entry& given = entry(sequence);
  const auto call = calls_.find(given.event->call().call_id());
  if (--call->second.events == 0) calls_.erase(call);
  given.holder.reset();
}

/// Gives to the others what the consumer had; it must be off the list, or ended.
void SharedSubscription::hand_over(Consumer& consumer) {
  std::vector<std::uint64_t> open(consumer.delivered.begin(), consumer.delivered.end());
  open.insert(open.end(), consumer.assigned.begin(), consumer.assigned.end());
  std::sort(open.begin(), open.end());
  consumer.delivered.clear();
  consumer.assigned.clear();
  for (const std::uint64_t sequence : open) settle(sequence);
  for (const std::uint64_t sequence : open) assign(sequence);
}

/// Moves the place over what is acknowledged.
void SharedSubscription::slide() {
  while (!window_.empty() && !window_.front().event) {
    to_keep_ = std::move(window_.front().cursor);
    window_.pop_front();
    ++first_;
  }
}

SharedSubscription::ConsumerPtr SharedSubscription::deliverable() const {
  const auto found = std::find_if(consumers_.begin(), consumers_.end(), [](const ConsumerPtr& consumer) {
    return consumer->waiting && (consumer->error || (consumer->may_take() && !consumer->assigned.empty()));
  });
  return found == consumers_.end() ? nullptr : *found;
}

SharedSubscription::ConsumerPtr SharedSubscription::hungry() const {
  const auto found = std::find_if(consumers_.begin(), consumers_.end(), [](const ConsumerPtr& consumer) {
    return consumer->waiting && consumer->may_take() && consumer->assigned.empty();
  });
  return found == consumers_.end() ? nullptr : *found;
}

/// Ends the consumer that holds the oldest unacknowledged event, when there is another to go on.
bool SharedSubscription::cut_the_oldest() {
  const ConsumerPtr oldest = window_.front().holder;
  if (!oldest || oldest == hungry()) return false;
  oldest->error = acknowledgement_overdue(name_, window_.front().cursor);
  hand_over(*oldest);
  return true;
}

/// Whoever comes first does all there is to do; the others leave what they changed to it.
void SharedSubscription::pump() {
  const std::shared_ptr<SharedSubscription> self = shared_from_this();
  std::unique_lock lock(mutex_);
  if (pumping_) return;
  pumping_ = true;
  for (;;) {
    if (!unassigned_.empty() && least_loaded()) {
      for (const std::uint64_t sequence : std::exchange(unassigned_, {})) assign(sequence);
    }
    const auto opening =
        std::find_if(consumers_.begin(), consumers_.end(),
                     [this](const ConsumerPtr& consumer) { return consumer->opening && (place_ || error_); });
    if (opening != consumers_.end()) {
      const EventSource::OpenDone done = std::exchange((*opening)->opening, nullptr);
      const Outcome error = error_;
      const EventSource::Place place = place_.value_or(EventSource::Place());
      lock.unlock();
      done(error, place);
    } else if (!to_keep_.empty()) {
      const std::string cursor = std::exchange(to_keep_, {});
      lock.unlock();
      store_.acknowledge(name_, cursor);
    } else if (const ConsumerPtr consumer = deliverable()) {
      const EventSource::NextDone done = std::exchange(consumer->waiting, nullptr);
      std::variant<SharedEvent, Error> next;
      if (consumer->error) {
        next = *consumer->error;
      } else {
        const std::uint64_t sequence = consumer->assigned.front();
        consumer->assigned.pop_front();
        consumer->delivered.push_back(sequence);
        next = entry(sequence).event;
      }
      lock.unlock();
      done(std::move(next));
    } else if (place_ && !error_ && !fetching_ && hungry()) {
      if (!has_room()) {
        if (!cut_the_oldest()) break;
        continue;
      }
      fetching_ = true;
      lock.unlock();
      feed_->next([self](std::variant<SharedEvent, Error> next) { self->took(std::move(next)); });
    } else {
      break;
    }
    lock.lock();
  }
  pumping_ = false;
}

}  // namespace ringtrace::rpc
