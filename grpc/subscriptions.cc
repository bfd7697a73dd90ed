#include "grpc/subscriptions.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "grpc/event_feed.h"
#include "grpc/followed_subscription.h"

namespace ringtrace::rpc {
namespace {

constexpr std::size_t kMaxNameBytes = 64;

bool is_valid_name(const std::string& name) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), is_word);
}

}  // namespace

/// A source of a subscription that says when it is closed.
class Subscriptions::Member final : public EventSource {
 public:
  Member(Subscriptions& of, std::string name, std::shared_ptr<EventSource> source)
      : of_(of), name_(std::move(name)), source_(std::move(source)) {}

  void open(OpenDone done) override { source_->open(std::move(done)); }
  void next(NextDone done) override { source_->next(std::move(done)); }
  bool has_next() override { return source_->has_next(); }
  void acknowledge(const std::string& cursor) override { source_->acknowledge(cursor); }
  void wake() override { source_->wake(); }
  void close() override {
    source_->close();
    if (!closed_.exchange(true)) of_.left(name_);
  }

 private:
  Subscriptions& of_;
  const std::string name_;
  const std::shared_ptr<EventSource> source_;
  std::atomic<bool> closed_{false};
};

std::variant<std::shared_ptr<EventSource>, Error> Subscriptions::open(const v1::CallEventsStart& start) {
  if (!v1::ConsumerMode_IsValid(start.mode())) return field_malformed("start.mode", "a ConsumerMode");
  if (!start.has_subscription()) {
    auto made = EventFeed::create(log_, pools_, start);
    if (const Error* error = std::get_if<Error>(&made)) return *error;
    return std::shared_ptr<EventSource>(std::get<std::shared_ptr<EventFeed>>(std::move(made)));
  }
  const std::string& name = start.subscription();
  if (!is_valid_name(name)) {
    return field_malformed("start.subscription", "1 to 64 of letters, digits, dash and underscore");
  }
  if (start.until_latest()) return field_malformed("start.until_latest", "given without a subscription");
  auto filter = check_filter(pools_, start);
  if (const Error* error = std::get_if<Error>(&filter)) return *error;
  const auto& wanted = std::get<EventFilter>(filter);
  const bool share = start.mode() == v1::CONSUMER_MODE_SHARE;

  const std::lock_guard lock(mutex_);
  Open& open = open_[name];
  if (open.members == 0) {
    open.mode = share ? v1::CONSUMER_MODE_SHARE : v1::CONSUMER_MODE_FOLLOW;
    open.filter = wanted;
    if (share) open.shared = std::make_shared<SharedSubscription>(log_, store_, name, wanted);
  } else if (share != (open.mode == v1::CONSUMER_MODE_SHARE) || (share && open.filter != wanted)) {
    return subscription_open_otherwise(name, v1::ConsumerMode_Name(open.mode));
  }
  ++open.members;
  std::shared_ptr<EventSource> source =
      share ? open.shared->join() : std::make_shared<FollowedSubscription>(log_, store_, name, wanted);
  return std::shared_ptr<EventSource>(std::make_shared<Member>(*this, name, std::move(source)));
}

void Subscriptions::left(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto open = open_.find(name);
  if (--open->second.members == 0) open_.erase(open);
}

}  // namespace ringtrace::rpc
