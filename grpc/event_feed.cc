#include "grpc/event_feed.h"

#include <utility>

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

std::variant<std::shared_ptr<EventFeed>, Error> EventFeed::create(CallEventLog& log,
                                                                  const pool::NumberPools& pools,
                                                                  const v1::CallEventsStart& start) {
  if (start.has_cursor() && start.cursor().size() > kMaxCursorBytes) return cursor_malformed(start.cursor());
  auto filter = check_filter(pools, start);
  if (const Error* error = std::get_if<Error>(&filter)) return *error;
  std::optional<std::string> from;
  if (start.has_cursor()) from = start.cursor();
  if (start.has_oldest() && start.oldest()) from = "";
  return std::shared_ptr<EventFeed>(
      new EventFeed(log, std::get<EventFilter>(std::move(filter)), std::move(from), start.until_latest()));
}

std::shared_ptr<EventFeed> EventFeed::after(CallEventLog& log, EventFilter filter, std::string cursor) {
  return std::shared_ptr<EventFeed>(new EventFeed(log, std::move(filter), std::move(cursor), false));
}

EventFeed::EventFeed(CallEventLog& log, EventFilter filter, std::optional<std::string> from,
                     bool until_latest)
    : log_(log),
      filter_(std::move(filter)),
      from_latest_(!from.has_value()),
      until_latest_(until_latest),
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

bool EventFeed::has_next() {
  const std::lock_guard lock(mutex_);
  return !batch_.empty();
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
      SharedEvent event = std::move(batch_.front());
      batch_.pop_front();
      const NextDone done = std::exchange(waiting_, nullptr);
      lock.unlock();
      done(std::move(event));
    } else if (error_) {
      const NextDone done = std::exchange(waiting_, nullptr);
      const Error error = *error_;
      lock.unlock();
      done(error);
    } else if (over_) {
      const NextDone done = std::exchange(waiting_, nullptr);
      lock.unlock();
      done(SharedEvent());
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
    } else if (read.events.empty()) {
      over_ = until_latest_;
    } else {
      behind_ = true;
      std::size_t bytes = 0;
      for (SharedEvent& event : read.events) {
        if (bytes >= kBatchBytes) break;
        cursor_ = event->cursor();
        if (!filter_.passes(*event)) continue;
        bytes += event->ByteSizeLong();
        batch_.push_back(std::move(event));
      }
    }
  }
  pump();
}

}  // namespace ringtrace::rpc
