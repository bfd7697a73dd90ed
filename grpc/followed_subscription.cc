#include "grpc/followed_subscription.h"

#include <utility>

namespace ringtrace::rpc {

FollowedSubscription::FollowedSubscription(CallEventLog& log, SubscriptionStore& store, std::string name,
                                           EventFilter filter)
    : log_(log), store_(store), name_(std::move(name)), filter_(std::move(filter)) {}

void FollowedSubscription::open(OpenDone done) {
  store_.open(name_, [self = shared_from_this(), done = std::move(done)](const SubscriptionPlace& place) {
    self->placed(place, done);
  });
}

void FollowedSubscription::placed(const SubscriptionPlace& place, const OpenDone& done) {
  if (place.status != SubscriptionPlace::Status::kKnown) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
    }
    const bool too_many = place.status == SubscriptionPlace::Status::kTooMany;
    return done(too_many ? too_many_subscriptions(name_) : log_unavailable(""), {});
  }
  const std::shared_ptr<EventFeed> feed = EventFeed::after(log_, filter_, place.cursor);
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    feed_ = feed;
  }
  feed->open(done);
}

void FollowedSubscription::next(NextDone done) {
  feed()->next([self = shared_from_this(), done = std::move(done)](std::variant<SharedEvent, Error> next) {
    const Error* error = std::get_if<Error>(&next);
    // What has left the log can never be acknowledged; the next stream goes on with what there is.
    if (error != nullptr && error->reason == Reason::kCursorTrimmed) {
      self->store_.acknowledge(self->name_, error->metadata.at("oldest_cursor"));
    }
    done(std::move(next));
  });
}

void FollowedSubscription::acknowledge(const std::string& cursor) { store_.acknowledge(name_, cursor); }

void FollowedSubscription::wake() {
  if (const std::shared_ptr<EventFeed> open = feed()) open->wake();
}

void FollowedSubscription::close() {
  std::shared_ptr<EventFeed> open;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    open = feed_;
  }
  if (open) open->close();
}

std::shared_ptr<EventFeed> FollowedSubscription::feed() {
  const std::lock_guard lock(mutex_);
  return feed_;
}

}  // namespace ringtrace::rpc
