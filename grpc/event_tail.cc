#include "grpc/event_tail.h"

#include <algorithm>
#include <utility>

namespace ringtrace::rpc {

void EventTail::read_after(std::string_view cursor, std::size_t max, ReadDone done) {
  const std::string from(cursor);
  std::unique_lock lock(mutex_);
  if (!from.empty() && from == end_) {
    (busy_ ? later_ : reading_).push_back({max, std::move(done)});
    if (std::exchange(busy_, true)) return;
    lock.unlock();
    return read_at_end(from);
  }
  if (const auto place = places_.find(from); place != places_.end()) {
    LogRead read = part_after(place->second, max);
    lock.unlock();
    return done(std::move(read));
  }
  lock.unlock();
  log_reads_.fetch_add(1, std::memory_order_relaxed);
  log_.read_after(from, max, [self = shared_from_this(), from, max, done = std::move(done)](LogRead read) {
    self->learn(from, max, read);
    done(std::move(read));
  });
}

void EventTail::read_at_end(const std::string& end) {
  log_reads_.fetch_add(1, std::memory_order_relaxed);
  log_.read_after(end, kRead, [self = shared_from_this()](const LogRead& read) { self->took(read); });
}

/// The end of a shared read.
void EventTail::took(const LogRead& read) {
  std::vector<Reader> answered;
  std::string again;
  {
    const std::lock_guard lock(mutex_);
    answered.swap(reading_);
    if (read.status == LogStatus::kOk) {
      for (const Event& event : read.events) append(event);
    } else {
      begin_at({});
    }
    if (read.status == LogStatus::kOk && read.events.empty()) {
      reading_.swap(later_);
    } else {
      std::move(later_.begin(), later_.end(), std::back_inserter(answered));
      later_.clear();
    }
    busy_ = !reading_.empty();
    if (busy_) again = end_;
  }
  for (const Reader& reader : answered) {
    LogRead part;
    part.status = read.status;
    part.oldest_cursor = read.oldest_cursor;
    const auto count = static_cast<std::ptrdiff_t>(std::min(reader.max, read.events.size()));
    part.events.assign(read.events.begin(), read.events.begin() + count);
    reader.done(std::move(part));
  }
  if (!again.empty()) read_at_end(again);
}

/// A reader of its own has come to the end of the log: that is where a tail begins.
void EventTail::learn(const std::string& cursor, std::size_t max, const LogRead& read) {
  if (read.status != LogStatus::kOk || read.events.size() >= max) return;
  const std::string end = read.events.empty() ? cursor : read.events.back()->cursor();
  const std::lock_guard lock(mutex_);
  if (busy_ || end.empty() || end == end_ || is_inside(end)) return;
  const auto joint = std::find_if(read.events.begin(), read.events.end(),
                                  [this](const Event& event) { return event->cursor() == end_; });
  if (joint == read.events.end()) return begin_at(end);
  std::for_each(joint + 1, read.events.end(), [this](const Event& event) { append(event); });
}

LogRead EventTail::part_after(std::uint64_t place, std::size_t max) const {
  LogRead read;
  read.status = LogStatus::kOk;
  const auto from = events_.begin() + static_cast<std::ptrdiff_t>(place + 1 - first_);
  const auto left = static_cast<std::size_t>(events_.end() - from);
  read.events.assign(from, from + static_cast<std::ptrdiff_t>(std::min(max, left)));
  return read;
}

void EventTail::append(const Event& event) {
  places_[event->cursor()] = first_ + events_.size();
  bytes_ += event->ByteSizeLong();
  end_ = event->cursor();
  events_.push_back(event);
  while (events_.size() > kMaxEvents || (bytes_ > kMaxBytes && events_.size() > 1)) {
    bytes_ -= events_.front()->ByteSizeLong();
    places_.erase(begin_);
    begin_ = events_.front()->cursor();
    events_.pop_front();
    ++first_;
  }
}

void EventTail::begin_at(std::string cursor) {
  events_.clear();
  places_.clear();
  bytes_ = 0;
  begin_ = end_ = std::move(cursor);
  if (!begin_.empty()) places_[begin_] = first_ - 1;
}

}  // namespace ringtrace::rpc
