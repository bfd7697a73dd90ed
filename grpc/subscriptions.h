#pragma once

#include <ringtrace/v1/call_service.pb.h>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>

#include "grpc/event_source.h"
#include "grpc/shared_subscription.h"
#include "grpc/subscription_store.h"

namespace ringtrace::rpc {

/// The named subscriptions that are open, and which streams are of which. Any thread may call. Log, pools and
/// store outlive it, and it outlives the sources.
class Subscriptions {
 public:
  Subscriptions(CallEventLog& log, const pool::NumberPools& pools, SubscriptionStore& store)
      : log_(log), pools_(pools), store_(store) {}

  /// The source of a stream, of a subscription or not. Refused when the start is malformed, or its
  /// subscription is open in another mode or, shared, with another filter. A source that was made counts as
  /// open until its `close`.
  std::variant<std::shared_ptr<EventSource>, Error> open(const v1::CallEventsStart& start);

 private:
  class Member;
  struct Open {
    v1::ConsumerMode mode = v1::CONSUMER_MODE_FOLLOW;
    EventFilter filter;
    std::size_t members = 0;
    std::shared_ptr<SharedSubscription> shared;  // with CONSUMER_MODE_SHARE
  };

  void left(const std::string& name);

  CallEventLog& log_;
  const pool::NumberPools& pools_;
  SubscriptionStore& store_;

  std::mutex mutex_;
  std::map<std::string, Open> open_;  // at most as many as streams are admitted
};

}  // namespace ringtrace::rpc
