#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "grpc/event_feed.h"
#include "grpc/event_source.h"
#include "grpc/subscription_store.h"

namespace ringtrace::rpc {

/// One stream of a subscription that every stream follows: all events after what has been acknowledged, by
/// this stream or another. Log and store outlive it.
class FollowedSubscription final : public EventSource,
                                   public std::enable_shared_from_this<FollowedSubscription> {
 public:
  FollowedSubscription(CallEventLog& log, SubscriptionStore& store, std::string name, EventFilter filter);

  void open(OpenDone done) override;
  void next(NextDone done) override;
  bool has_next() override { return feed()->has_next(); }
  void acknowledge(const std::string& cursor) override;
  void wake() override;
  void close() override;

 private:
  void placed(const SubscriptionPlace& place, const OpenDone& done);
  std::shared_ptr<EventFeed> feed();

  CallEventLog& log_;
  SubscriptionStore& store_;
  const std::string name_;
  const EventFilter filter_;

  std::mutex mutex_;  // held for a few instructions, never while calling out
  std::shared_ptr<EventFeed> feed_;
  bool closed_ = false;
};

}  // namespace ringtrace::rpc
