#include "gateway/subscriptions.h"

#include <optional>
#include <utility>

namespace ringtrace::gateway {
namespace {

using Status = rpc::SubscriptionPlace::Status;

Status status_of(redis::SubscriptionPlace::Status status) {
  switch (status) {
    case redis::SubscriptionPlace::Status::kKnown:
      return Status::kKnown;
    case redis::SubscriptionPlace::Status::kTooMany:
      return Status::kTooMany;
    case redis::SubscriptionPlace::Status::kUnavailable:
      break;
  }
  return Status::kUnavailable;
}

}  // namespace

void StoreSubscriptions::open(std::string_view name, OpenDone done) {
  subscriptions_.open(std::string(name), [done = std::move(done)](redis::SubscriptionPlace place) {
    done({status_of(place.status), std::move(place.cursor)});
  });
}

void StoreSubscriptions::acknowledge(std::string_view name, std::string_view cursor) {
  subscriptions_.acknowledge(std::string(name), std::string(cursor));
}

void MemorySubscriptions::open(std::string_view name, OpenDone done) {
  rpc::SubscriptionPlace place;
  {
    const std::lock_guard lock(mutex_);
    const auto known = places_.find(name);
    if (known != places_.end()) {
      place = {Status::kKnown, known->second.cursor};
    } else if (places_.size() >= kMost) {
      place.status = Status::kTooMany;
    } else {
      places_.emplace(std::string(name), Place());
      place.status = Status::kKnown;
    }
  }
  done(std::move(place));
}

void MemorySubscriptions::acknowledge(std::string_view name, std::string_view cursor) {
  const std::optional<std::uint64_t> sequence = log_.sequence_of(cursor);
  if (!sequence) return;
  const std::lock_guard lock(mutex_);
  const auto known = places_.find(name);
  if (known == places_.end() || *sequence <= known->second.sequence) return;
  known->second = {*sequence, std::string(cursor)};
}

}  // namespace ringtrace::gateway
