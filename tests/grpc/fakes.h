#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grpc/call_event_log.h"
#include "grpc/call_index.h"
#include "grpc/caller_eraser.h"
#include "grpc/number_book.h"
#include "grpc/subscription_store.h"
#include "pool/lease_store.h"
#include "pool/leasing.h"

/// What stands around the services in their tests.
namespace ringtrace::rpc::testing {

/// A clock that a test moves.
class ManualClock final : public pool::Clock {
 public:
  pool::Time now() const override { return pool::Time{pool::Duration(milliseconds_.load())}; }
  void advance(pool::Duration duration) { milliseconds_ += duration.count(); }

 private:
  // 2026-03-01T12:00:00Z
  std::atomic<std::int64_t> milliseconds_{1'772'366'400'000};
};

/// A store that gives the answer it is told to, or none until told.
class StubStore final : public pool::LeaseStore {
 public:
  void answer(pool::StoreStatus status) { status_ = status; }

  /// Keeps requests waiting until `release_waiting`.
  void hold_back(bool hold) { hold_back_ = hold; }

  std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }

  /// As many as ever waited at one time.
  std::size_t most_waiting() const {
    const std::lock_guard lock(mutex_);
    return most_waiting_;
  }

  void release_waiting() {
    std::vector<std::function<void()>> waiting;
    {
      const std::lock_guard lock(mutex_);
      waiting.swap(waiting_);
    }
    for (const auto& go : waiting) go();
  }

  /// What it was asked to write as a lease, in order.
  std::vector<pool::Number> leased() const {
    const std::lock_guard lock(mutex_);
    return leased_;
  }

  void lease(pool::LeaseRecord record, pool::Time, Done done) override {
    {
      const std::lock_guard lock(mutex_);
      leased_.push_back(record.number);
    }
    reply(record.expire, done);
  }
  void renew(pool::LeaseRecord record, pool::Time, Done done) override { reply(record.expire, done); }
  void release(pool::LeaseEnd end, pool::Time, Done done) override { reply(end.end, done); }
  void expire(pool::LeaseEnd end, pool::Time, Done done) override { reply(end.end, done); }

 private:
  void reply(pool::Time expire, const Done& done) {
    const auto go = [this, expire, done] { done({status_, {}, expire, ""}); };
    if (!hold_back_) return go();
    const std::lock_guard lock(mutex_);
    waiting_.push_back(go);
    most_waiting_ = std::max(most_waiting_, waiting_.size());
  }

  std::atomic<pool::StoreStatus> status_{pool::StoreStatus::kDone};
  std::atomic<bool> hold_back_{false};
  mutable std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;
  std::size_t most_waiting_ = 0;
  std::vector<pool::Number> leased_;
};

/// A log in memory. Its cursors are numbers of seven digits.
class MemoryLog final : public CallEventLog {
 public:
  static std::string cursor_of(std::size_t number) {
    const std::string digits = std::to_string(number);
    return std::string(7 - digits.size(), '0') + digits;
  }

  /// Appends an event and wakes the watchers; returns its cursor.
  std::string append(v1::CallEvent event) {
    std::string cursor;
    {
      const std::lock_guard lock(mutex_);
      cursor = cursor_of(events_.size() + 1);
      event.set_cursor(cursor);
      events_.push_back(std::move(event));
    }
    const std::lock_guard lock(watch_mutex_);
    if (grown_) grown_();
    return cursor;
  }

  /// Forgets the oldest events.
  void trim(std::size_t count) { trimmed_ = count; }
  void fail(bool fails) { fails_ = fails; }

  /// Events handed to readers so far.
  std::size_t read_count() const { return read_count_; }

  void read_after(std::string_view cursor, std::size_t max, ReadDone done) override {
    LogRead read;
    {
      const std::lock_guard lock(mutex_);
      read = look(cursor, max);
    }
    read_count_ += read.events.size();
    done(std::move(read));
  }

  void latest_cursor(EndDone done) override {
    LogEnd end;
    {
      const std::lock_guard lock(mutex_);
      end.status = fails_ ? LogStatus::kUnavailable : LogStatus::kOk;
      if (!events_.empty()) end.cursor = events_.back().cursor();
    }
    done(end);
  }

  std::unique_ptr<Watch> watch(std::function<void()> grown) override {
    const std::lock_guard lock(watch_mutex_);
    grown_ = std::move(grown);
    return std::make_unique<OneWatch>(*this);
  }

 private:
  struct OneWatch final : Watch {
    explicit OneWatch(MemoryLog& of) : log(of) {}
    ~OneWatch() override {
      const std::lock_guard lock(log.watch_mutex_);
      log.grown_ = nullptr;
    }
    MemoryLog& log;
  };

  LogRead look(std::string_view cursor, std::size_t max) const {
    LogRead read;
    if (fails_) return read;
    std::size_t from = trimmed_;
    if (!cursor.empty()) {
      if (cursor.size() != 7 || cursor.find_first_not_of("0123456789") != std::string_view::npos) {
        read.status = LogStatus::kMalformed;
        return read;
      }
      from = std::stoul(std::string(cursor));
      if (from < trimmed_) {
        read.status = LogStatus::kOutOfRange;
        read.oldest_cursor = cursor_of(trimmed_);
        return read;
      }
    }
    read.status = LogStatus::kOk;
    for (std::size_t i = from; i < events_.size() && read.events.size() < max; ++i) {
      read.events.push_back(std::make_shared<const v1::CallEvent>(events_[i]));
    }
    return read;
  }

  std::atomic<std::size_t> trimmed_{0};
  std::atomic<bool> fails_{false};
  std::atomic<std::size_t> read_count_{0};
  mutable std::mutex mutex_;
  std::vector<v1::CallEvent> events_;
  std::mutex watch_mutex_;  // held while calling, so that a watch that has ended is called no more
  std::function<void()> grown_;
};

/// An index that answers what it is told to, and keeps what it was asked last. One request at a time.
class StubIndex final : public CallIndex {
 public:
  void search(CallQuery query, PageDone done) override {
    asked = std::move(query);
    done(page);
  }
  void find(std::string_view call_id, FoundDone done) override {
    FoundCall answer;
    answer.status = page.status;
    for (const v1::Call& call : page.calls) {
      if (call.call_id() == call_id) answer.call = call;
    }
    done(std::move(answer));
  }

  CallPage page;
  CallQuery asked;
};

class StubEraser final : public CallerEraser {
 public:
  void erase(std::string_view caller, bool rewrites, Done done) override {
    asked = caller;
    asked_to_rewrite = rewrites;
    done(answer);
  }

  void redact(v1::CallEvent& event) const override {
    if (event.call().caller() == erased) event.mutable_call()->clear_caller();
  }

  Erasure answer;
  std::string erased = "nobody";
  std::string asked;
  bool asked_to_rewrite = false;
};

/// Subscriptions in memory, of a log whose cursors are in the order of their texts.
class StubSubscriptions final : public SubscriptionStore {
 public:
  void open(std::string_view name, OpenDone done) override {
    std::string place;
    {
      const std::lock_guard lock(mutex_);
      place = places_[std::string(name)];
    }
    done({status, std::move(place)});
  }
  void acknowledge(std::string_view name, std::string_view cursor) override {
    const std::lock_guard lock(mutex_);
    std::string& place = places_[std::string(name)];
    if (cursor > place) place = cursor;
  }
  std::string place(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(name);
    return found == places_.end() ? std::string() : found->second;
  }

  SubscriptionPlace::Status status = SubscriptionPlace::Status::kKnown;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> places_;
};

/// A book that notes what it is to keep, or keeps nothing.
class StubBook final : public NumberBook {
 public:
  void keep(std::string_view pool, std::span<const pool::Number> numbers, NumberWord word,
            Done done) override {
    if (keeps) {
      for (const pool::Number number : numbers) kept[std::string(pool) + " " + number.to_string()] = word;
    }
    done(keeps);
  }

  bool keeps = true;
  std::map<std::string, NumberWord> kept;  ///< by "main +74950000001"
};

/// An event of a call to a pool.
inline v1::CallEvent call_event(const std::string& id, v1::CallEventType type = v1::CALL_EVENT_TYPE_RINGING,
                                const std::string& pool = "pools/main") {
  v1::CallEvent event;
  event.set_event_id(id);
  event.set_type(type);
  event.mutable_call()->mutable_resolution()->set_pool(pool);
  return event;
}

}  // namespace ringtrace::rpc::testing
