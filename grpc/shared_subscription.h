#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "grpc/event_feed.h"
#include "grpc/event_source.h"
#include "grpc/subscription_store.h"

namespace ringtrace::rpc {

/// One subscription whose streams share the work: each event goes to one of them.
///
/// - Events of one call go to one consumer as long as it has some of them unacknowledged, so that each call's
///   events are dealt with in order; a call without any goes to the consumer that has the least to do, of
///   those that wait if there are any.
/// - What a consumer that leaves has not acknowledged goes to the others, in the order of the log.
/// - The place that is kept moves over the longest run of events that are all acknowledged: whatever
///   happens, an event that nobody has acknowledged is given again.
///
/// Bounds: a consumer is given at most kMaxUnacknowledged events beyond its last acknowledgement; between the
/// oldest unacknowledged event and the newest one read lie at most kMaxSpan events, and those not
/// acknowledged hold at most kMaxBytes. A consumer that holds the oldest one while others wait for room is
/// ended with ACKNOWLEDGEMENT_OVERDUE. Any thread may call; see EventSource for callbacks.
class SharedSubscription : public std::enable_shared_from_this<SharedSubscription> {
 public:
  static constexpr std::size_t kMaxUnacknowledged = 1'000;
  static constexpr std::size_t kMaxSpan = 16'384;
  static constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

  /// Log and store outlive it.
  SharedSubscription(CallEventLog& log, SubscriptionStore& store, std::string name, EventFilter filter);

  /// A new consumer; it counts from now on and until its `close`.
  std::shared_ptr<EventSource> join();

 private:
  class Consumer;
  using ConsumerPtr = std::shared_ptr<Consumer>;
  struct Entry {
    SharedEvent event;  // none once acknowledged
    std::string cursor;
    ConsumerPtr holder;
  };
  struct CallHolder {
    ConsumerPtr consumer;
    std::size_t events = 0;
  };

  void begin();
  void placed(const SubscriptionPlace& place);
  void opened(const Outcome& error, const EventSource::Place& place);
  void took(std::variant<SharedEvent, Error> next);
  void fail(const Error& error);
  void leave(const ConsumerPtr& consumer);
  void acknowledge(Consumer& consumer, const std::string& cursor);
  void pump();

  // With the mutex held:
  Entry& entry(std::uint64_t sequence) { return window_[static_cast<std::size_t>(sequence - first_)]; }
  void assign(std::uint64_t sequence);
  void settle(std::uint64_t sequence);
  void hand_over(Consumer& consumer);
  void slide();
  bool has_room() const { return window_.size() < kMaxSpan && bytes_ < kMaxBytes; }
  ConsumerPtr least_loaded() const;
  ConsumerPtr deliverable() const;
  ConsumerPtr hungry() const;
  bool cut_the_oldest();

  CallEventLog& log_;
  SubscriptionStore& store_;
  const std::string name_;
  const EventFilter filter_;

  std::mutex mutex_;  // held for a few instructions a call, never while calling out
  std::shared_ptr<EventFeed> feed_;
  std::vector<ConsumerPtr> consumers_;
  std::deque<Entry> window_;  // from the oldest unacknowledged event to the newest one read
  std::uint64_t first_ = 0;   // the sequence of window_'s first
  std::size_t bytes_ = 0;     // of the events in window_
  std::unordered_map<std::string, CallHolder> calls_;  // those with unacknowledged events
  std::vector<std::uint64_t> unassigned_;              // nobody is there to take them
  std::string to_keep_;                                // acknowledged, and not told to the store yet
  std::optional<EventSource::Place> place_;            // once it is open
  std::optional<Error> error_;
  bool begun_ = false;
  bool fetching_ = false;
  bool pumping_ = false;
};

}  // namespace ringtrace::rpc
