#pragma once

#include <ringtrace/v1/call.pb.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/call_closing.h"
#include "redis/caller_key.h"
#include "redis/connection.h"

namespace ringtrace::redis {

/// The largest event, unless the options say otherwise.
inline constexpr std::size_t kMaxEventBytes = std::size_t{256} << 10;

/// A serialized event has the ids of itself and of its call, neither too long; without them the log refuses
/// it.
bool is_identified(std::string_view event);

struct CallLogOptions {
  /// Events are kept so long, and at most so many; the oldest go first.
  std::chrono::milliseconds retention = std::chrono::hours(24 * 7);
  std::uint64_t max_length = 1'000'000;
  /// What is personal of a call (redis/call_persons.h) is kept so long after its start, and no longer than
  /// its events: the caller; the visitor and attributes of its visits. Zero: never written.
  std::chrono::milliseconds caller_retention = std::chrono::hours(24 * 7);
  std::chrono::milliseconds attributes_retention = std::chrono::hours(24 * 7);
  /// By which callers' calls are found; see caller_key.h.
  CallerKey caller_key{{}};

  /// Events and closings that wait for Redis, by count and by serialized bytes. At the limit the newest is
  /// refused and counted: what was accepted stays in order and complete.
  std::size_t max_queued = 100'000;
  std::size_t max_queued_bytes = std::size_t{256} << 20;
  /// A larger event is refused and counted.
  std::size_t max_event_bytes = kMaxEventBytes;

  /// How often events of other gateways are looked for.
  std::chrono::milliseconds poll{1'000};
  /// The wait before a batch that Redis refused is sent again.
  std::chrono::milliseconds retry{250};
  /// A call that is closed though nothing is told of its answer yet is looked up again after `retry`, twice
  /// that and so on up to this: another gateway, which carried it, may still have its events.
  std::chrono::milliseconds closing_patience{4'000};
};

/// Figures of a log since start; each but the first two only grows.
struct CallLogStats {
  std::uint64_t queued = 0;  ///< accepted, not in Redis yet
  std::uint64_t queued_bytes = 0;
  std::uint64_t written = 0;   ///< events Redis has acknowledged
  std::uint64_t redacted = 0;  ///< of these, written without something personal: erased, or its time was over
  std::uint64_t refused =
      0;                   ///< turned away: the queue was full, or the event too large, without ids or none
  std::uint64_t late = 0;  ///< came after their call's end, and were left out
  std::uint64_t retries = 0;            ///< batches that had to be sent again
  std::uint64_t resumed = 0;            ///< events of calls an earlier process began, seen in answers
  std::uint64_t closed = 0;             ///< calls closed from their open record
  std::uint64_t closed_unrecorded = 0;  ///< calls without an open record, closed by what the BYE tells
  std::uint64_t unknown_closings =
      0;                         ///< closings of another dialog or of no call; no event was made of them
  std::uint64_t unreadable = 0;  ///< entries read that are no events
};

/// A page of the log.
struct CallLogPage {
  enum class Status : std::uint8_t {
    kDone,
    kOutOfRange,   ///< entries after the cursor are gone; go on from `next`, which stands before the oldest
    kBadCursor,    ///< no cursor of this log
    kUnavailable,  ///< Redis is away; try again
  };

  Status status = Status::kUnavailable;
  std::vector<v1::CallEvent> events;  ///< in order, each with its `cursor`; empty at the end of the log
  std::string next;                   ///< read after this one to go on
  std::string detail;
};

/// The log of call events in Redis: a stream, each event once, in the order of `append`.
///
/// What was accepted is written when Redis is back, as long as the process lives; an answer that never came
/// is asked for again, and Redis knows the event by its id. Construct it before the connection's `start`; the
/// connection outlives it. `append`, `close_open_call`, `stats` and the reads may be called from any thread;
/// callbacks come on the connection's io thread (reads that are turned away: from inside the call). Destroy
/// it on the io thread or when no thread runs the loop.
class RedisCallLog {
 public:
  using ReadDone = std::function<void(CallLogPage)>;
  using CursorDone = std::function<void(std::optional<std::string>)>;
  using Watcher = std::function<void()>;

  /// Events one read gives at most.
  static constexpr std::size_t kMaxPage = 1'000;

  /// What is taken while one lives goes to Redis when the last one ends, together: each begin of a batch
  /// wakes the io thread, and costs a round trip of its own. For a short while; any thread.
  class Together {
   public:
    explicit Together(RedisCallLog& log);
    ~Together();
    Together(const Together&) = delete;
    Together& operator=(const Together&) = delete;

   private:
    RedisCallLog& log_;
  };

  RedisCallLog(Connection& connection, CallLogOptions options, Log log);
  ~RedisCallLog();
  RedisCallLog(const RedisCallLog&) = delete;
  RedisCallLog& operator=(const RedisCallLog&) = delete;

  /// Takes an event; `cursor` is not read. False: refused, see CallLogOptions.
  bool append(const v1::CallEvent& event);
  /// The same of an event that is serialized.
  bool append(std::string_view event);

  /// Ends a call by its open record, after everything appended before; see CallLogOptions::closing_patience.
  /// False: refused, the queue is full.
  bool close_open_call(CallClosing closing);

  /// Takes what an answer told of a call that an earlier process began: completed from the open record, or
  /// left out when as much has been told. In its order among what was appended. False: refused, see
  /// CallLogOptions.
  bool resume(const v1::CallEvent& saw);

  /// Reads at most `max` (1 to kMaxPage) events after the cursor; "" is before the oldest one.
  void read_after(const std::string& cursor, std::size_t max, ReadDone done) const;

  /// The cursor of the newest event, "0-0" for an empty log; none when Redis is away.
  void latest_cursor(CursorDone done) const;

  /// How many calls are open; none when Redis is away.
  void count_open_calls(std::function<void(std::optional<std::uint64_t>)> done) const;

  /// Has the watcher called when there are new events, of this gateway or (within `poll`) of another; it may
  /// also be called when there are none. Before the connection's `start` only.
  void watch(Watcher watcher);

  CallLogStats stats() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ringtrace::redis
