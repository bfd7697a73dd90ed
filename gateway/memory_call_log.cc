#include "gateway/memory_call_log.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <charconv>
#include <unordered_set>
#include <utility>
#include <vector>

#include "proto/from_pool.h"
#include "redis/call_persons.h"

namespace ringtrace::gateway {
namespace {

// Events looked at under one hold of the lock.
constexpr std::uint64_t kLook = 1'000;

}  // namespace

MemoryCallLog::MemoryCallLog(boost::asio::io_context& io, std::size_t length, pool::Time started)
    : io_(io), length_(length), process_(started.time_since_epoch().count()) {}

void MemoryCallLog::append(v1::CallEvent event) {
  if (erased_.redact(event)) redacted_.fetch_add(1, std::memory_order_relaxed);
  const auto added = std::make_shared<v1::CallEvent>(std::move(event));
  {
    const std::lock_guard lock(mutex_);
    added->set_cursor(cursor_of(++last_));
    events_.push_back(added);
    calls_.add(added);
    if (events_.size() > length_) {
      calls_.drop(events_.front());
      events_.pop_front();
      dropped_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  appended_.fetch_add(1, std::memory_order_relaxed);
  // One call to the watchers for all events that came until it runs.
  if (notifying_->exchange(true)) return;
  boost::asio::post(io_, [watchers = watchers_, notifying = notifying_] {
    notifying->store(false);
    watchers->notify();
  });
}

/// Others may be reading the event, so it makes way for its changed copy.
bool MemoryCallLog::change(std::shared_ptr<const v1::CallEvent>& event, const Change& change_event) {
  const auto changed = std::make_shared<v1::CallEvent>(*event);
  if (!change_event(*changed)) return false;
  calls_.replace(event, changed);
  event = changed;
  redacted_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

std::uint64_t MemoryCallLog::erase(std::string_view caller, pool::Time at) {
  erased_.note(caller, at);
  std::unordered_set<std::string> calls;
  std::uint64_t next = 0;
  for (bool more = true; more;) {
    // Not all under one hold of the lock: the thread of the calls may wait for it.
    const std::lock_guard lock(mutex_);
    const std::uint64_t before_oldest = last_ - events_.size();
    next = std::max(next, before_oldest);
    const std::uint64_t end = std::min(last_, next + kLook);
    for (; next < end; ++next) {
      auto& event = events_[next - before_oldest];
      if (event->call().caller() != caller && event->call().forwarded_from() != caller) continue;
      if (change(event, [this](v1::CallEvent& changed) { return erased_.redact(changed); })) {
        calls.insert(event->call().call_id());
      }
    }
    more = next < last_;
  }
  return calls.size();
}

void MemoryCallLog::forget(const Retention& retention, pool::Time now) {
  forget_until(now - retention.caller, caller_forgotten_, [](v1::CallEvent& event) {
    v1::Call& call = *event.mutable_call();
    const bool had = !call.caller().empty() || !call.forwarded_from().empty();
    call.clear_caller();
    call.clear_forwarded_from();
    return had;
  });
  forget_until(now - retention.attributes, visits_forgotten_, [](v1::CallEvent& event) {
    redis::Persons persons = redis::take_persons(event);
    const bool had = !persons.visits.empty();
    persons.visits.clear();
    redis::put_persons(persons, event);
    return had;
  });
}

/// Events come about in the order of their times; one that does not is changed with the one before it.
void MemoryCallLog::forget_until(pool::Time until, std::uint64_t& done, const Change& change_event) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t before_oldest = last_ - events_.size();
  done = std::max(done, before_oldest);
  for (std::size_t looked = 0; looked < kLook && done < last_; ++looked, ++done) {
    auto& event = events_[done - before_oldest];
    if (from_timestamp(event->event_time()) > until) return;
    change(event, change_event);
  }
}

void MemoryCallLog::read_after(std::string_view cursor, std::size_t max, ReadDone done) {
  rpc::LogRead result;
  Position after;
  if (!cursor.empty() && !parse(cursor, after)) {
    result.status = rpc::LogStatus::kMalformed;
    return done(std::move(result));
  }
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t before_oldest = last_ - events_.size();
    if (cursor.empty()) after = {process_, before_oldest};
    if (after.process != process_ || after.sequence < before_oldest || after.sequence > last_) {
      result.status = rpc::LogStatus::kOutOfRange;
      result.oldest_cursor = cursor_of(before_oldest);
    } else {
      result.status = rpc::LogStatus::kOk;
      const auto begin = events_.begin() + static_cast<std::ptrdiff_t>(after.sequence - before_oldest);
      const auto left = static_cast<std::size_t>(events_.end() - begin);
      result.events.assign(begin, begin + static_cast<std::ptrdiff_t>(std::min(max, left)));
    }
  }
  done(std::move(result));
}

void MemoryCallLog::latest_cursor(EndDone done) {
  rpc::LogEnd end;
  end.status = rpc::LogStatus::kOk;
  {
    const std::lock_guard lock(mutex_);
    if (last_ > 0) end.cursor = cursor_of(last_);
  }
  done(std::move(end));
}

std::unique_ptr<rpc::CallEventLog::Watch> MemoryCallLog::watch(std::function<void()> grown) {
  return watchers_->add(std::move(grown));
}

std::optional<std::uint64_t> MemoryCallLog::sequence_of(std::string_view cursor) {
  Position position;
  if (!parse(cursor, position) || position.process != process_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return position.sequence <= last_ ? std::optional(position.sequence) : std::nullopt;
}

std::string MemoryCallLog::cursor_of(std::uint64_t sequence) const {
  return "m" + std::to_string(process_) + "." + std::to_string(sequence);
}

bool MemoryCallLog::parse(std::string_view cursor, Position& position) {
  if (!cursor.starts_with('m')) return false;
  const char* const end = cursor.data() + cursor.size();
  const auto process = std::from_chars(cursor.data() + 1, end, position.process);
  if (process.ec != std::errc() || process.ptr == end || *process.ptr != '.') return false;
  const auto sequence = std::from_chars(process.ptr + 1, end, position.sequence);
  return sequence.ec == std::errc() && sequence.ptr == end;
}

}  // namespace ringtrace::gateway
