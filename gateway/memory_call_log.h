#pragma once

#include <ringtrace/v1/call.pb.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/erased_callers.h"
#include "gateway/memory_call_index.h"
#include "gateway/watcher_list.h"
#include "grpc/call_event_log.h"
#include "pool/time.h"

namespace ringtrace::gateway {

/// The log of call events when there is no store: the last `length` events, gone with the process.
///
/// Any thread may call. `append` holds a lock for a few instructions and tells watchers from the loop's
/// thread, so that no reader runs on the thread of a call. Cursors name the process they are of: one of an
/// earlier process is out of range, never a place in this one.
class MemoryCallLog final : public rpc::CallEventLog {
 public:
  /// `started` tells this log from that of another process. The io_context outlives the log.
  MemoryCallLog(boost::asio::io_context& io, std::size_t length, pool::Time started);

  /// Adds an event; the oldest makes room.
  void append(v1::CallEvent event);

  void read_after(std::string_view cursor, std::size_t max, ReadDone done) override;
  void latest_cursor(EndDone done) override;
  std::unique_ptr<Watch> watch(std::function<void()> grown) override;

  /// Takes what is personal of a caller's calls out of the events of those that began before `at`, also of
  /// those that still come. How many calls had something.
  std::uint64_t erase(std::string_view caller, pool::Time at);

  /// How long what is personal of an event is kept after it happened.
  struct Retention {
    pool::Duration caller{};
    pool::Duration attributes{};
  };

  /// Takes what has been kept long enough out of the events; now and then.
  void forget(const Retention& retention, pool::Time now);

  /// The place of an event this log has given, counted from 1; none for any other cursor.
  std::optional<std::uint64_t> sequence_of(std::string_view cursor);

  /// The calls of the events it holds.
  rpc::CallIndex& calls() { return calls_; }

  std::uint64_t appended() const { return appended_.load(std::memory_order_relaxed); }

  /// Events that made room for newer ones.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  /// Events something personal was taken out of: erased, or kept long enough.
  std::uint64_t redacted() const { return redacted_.load(std::memory_order_relaxed); }

 private:
  struct Position {
    std::int64_t process = 0;
    std::uint64_t sequence = 0;
  };

  using Change = std::function<bool(v1::CallEvent&)>;

  std::string cursor_of(std::uint64_t sequence) const;
  bool change(std::shared_ptr<const v1::CallEvent>& event, const Change& change_event);
  void forget_until(pool::Time until, std::uint64_t& done, const Change& change_event);
  static bool parse(std::string_view cursor, Position& position);

  boost::asio::io_context& io_;
  const std::size_t length_;
  const std::int64_t process_;
  const std::shared_ptr<WatcherList> watchers_ = std::make_shared<WatcherList>();
  const std::shared_ptr<std::atomic<bool>> notifying_ = std::make_shared<std::atomic<bool>>(false);
  std::atomic<std::uint64_t> appended_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> redacted_{0};
  ErasedCallers erased_;

  std::mutex mutex_;
  std::deque<std::shared_ptr<const v1::CallEvent>> events_;  // the last one has the sequence last_
  std::uint64_t last_ = 0;
  std::uint64_t caller_forgotten_ = 0;  // up to this event
  std::uint64_t visits_forgotten_ = 0;
  MemoryCallIndex calls_;  // told of events under mutex_, in their order
};

}  // namespace ringtrace::gateway
