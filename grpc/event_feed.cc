#include "grpc/event_feed.h"

#include <utility>

#include "proto/from_pool.h"

namespace ringtrace::rpc {
namespace {

/// What a failed read means to the reader that stands at `cursor`.
Error read_error(const LogRead& read, const std::string& cursor) {
  switch (read.status) {
    case LogStatus::kOutOfRange:
      return cursor_trimmed(cursor, read.oldest_cursor);
    case LogStatus::kMalformed:
      return cursor_malformed(cursor);
    case LogStatus::kOk:
    case LogStatus::kUnavailable:
      break;
  }
  return log_unavailable(cursor);
}

/// The longest cursor looked at; real ones are much shorter.
constexpr std::size_t kMaxCursorBytes = 128;

}  // namespace

bool EventFeed::Filter::passes(const v1::CallEvent& event) const {
  return (types.empty() || types.contains(event.type())) &&
         (pools.empty() || pools.contains(event.call().resolution().pool()));
}

std::variant<std::shared_ptr<EventFeed>, Error> EventFeed::create(CallEventLog& log,
                                                                  const pool::NumberPools& pools,
                                                                  const v1::CallEventsStart& start) {
  if (start.has_subscription()) return subscriptions_not_supported(start.subscription());
  if (start.has_cursor() && start.cursor().size() > kMaxCursorBytes) return cursor_malformed(start.cursor());
  if (start.pools_size() > kMaxFilterPools) {
    return field_out_of_range("start.pools", "at most " + std::to_string(kMaxFilterPools) + " names");
  }
  Filter filter;
  for (const std::string& resource : start.pools()) {
    const std::string_view name = pool_name_of(resource);
    if (name.empty()) return field_malformed("start.pools", "pools/{pool} each");
    if (!pools.find(name)) return pool_not_found(name);
    filter.pools.insert(resource);
  }
  for (const int type : start.types()) {
    if (type == v1::CALL_EVENT_TYPE_UNSPECIFIED || !v1::CallEventType_IsValid(type)) {
      return field_malformed("start.types", "CallEventType each");
    }
    filter.types.insert(type);
  }
  std::optional<std::string> from;
  if (start.has_cursor()) from = start.cursor();
  if (start.has_oldest() && start.oldest()) from = "";
  return std::shared_ptr<EventFeed>(new EventFeed(log, std::move(filter), std::move(from)));
}

EventFeed::EventFeed(CallEventLog& log, Filter filter, std::optional<std::string> from)
    : log_(log),
      filter_(std::move(filter)),
      from_latest_(!from.has_value()),
      cursor_(from.value_or(std::string())) {}

void EventFeed::open(OpenDone done) {
  log_.latest_cursor([self = shared_from_this(), done = std::move(done)](const LogEnd& end) {
    const bool ok = end.status == LogStatus::kOk;
    std::string place;
    {
      const std::lock_guard lock(self->mutex_);
      if (self->closed_) return;
      if (ok && self->from_latest_) self->cursor_ = end.cursor;
      place = self->cursor_;
    }
    done(ok ? Outcome() : log_unavailable(place), {std::move(place), end.cursor});
  });
}

void EventFeed::next(NextDone done) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    waiting_ = std::move(done);
  }
  pump();
}

void EventFeed::wake() {
  {
    const std::lock_guard lock(mutex_);
    behind_ = true;
  }
  pump();
}

void EventFeed::close() {
  NextDone dropped;  // destroyed outside the lock: it may own the last reference to something large
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(waiting_);
}

/// Whoever comes first does all there is to do; the others leave what they changed to it. So a log that
/// answers from inside the call makes a loop and not a recursion.
void EventFeed::pump() {
  const std::shared_ptr<EventFeed> self = shared_from_this();
  std::unique_lock lock(mutex_);
  if (pumping_) return;
  pumping_ = true;
  while (waiting_ && !closed_) {
    if (!batch_.empty()) {
      v1::CallEvent event = std::move(batch_.front());
      batch_.pop_front();
      const NextDone done = std::exchange(waiting_, nullptr);
      lock.unlock();
      done(std::move(event));
    } else if (error_) {
      const NextDone done = std::exchange(waiting_, nullptr);
      const Error error = *error_;
      lock.unlock();
      done(error);
    } else if (behind_ && !reading_) {
      behind_ = false;
      reading_ = true;
      const std::string cursor = cursor_;
      lock.unlock();
      log_.read_after(cursor, kBatch, [self](LogRead read) { self->took(std::move(read)); });
    } else {
      break;
    }
    lock.lock();
  }
  pumping_ = false;
}

void EventFeed::took(LogRead read) {
  {
    const std::lock_guard lock(mutex_);
    reading_ = false;
    if (read.status != LogStatus::kOk) {
      error_ = read_error(read, cursor_);
    } else if (!read.events.empty()) {
      behind_ = true;
      cursor_ = read.events.back().cursor();
      for (v1::CallEvent& event : read.events) {
        if (filter_.passes(event)) batch_.push_back(std::move(event));
      }
    }
  }
  pump();
}

}  // namespace ringtrace::rpc
