#pragma once

#include <ringtrace/v1/call.pb.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "redis/call_closing.h"
#include "redis/event_record.h"

namespace ringtrace::redis {

/// What is to go into the log of calls.
struct CallLogItem {
  /// An event, serialized: it may wait for long, and takes a fraction of a message's memory.
  struct Packed {
    std::string event;
  };
  /// Of a call that an earlier process began; waits for what is known of it.
  struct Resumed {
    v1::CallEvent saw;
  };

  std::variant<Packed, CallClosing, Resumed, EventRecord> what;
  std::size_t bytes = 0;
  std::chrono::milliseconds waited{0};  ///< a closing's latest wait
};

/// The items that wait for Redis or are on their way, in order, bounded by count and bytes. Any thread.
///
/// Internal to the room.
class CallLogQueue {
 public:
  /// `wake` is called, with a lock held, when the first item comes.
  CallLogQueue(std::size_t max_items, std::size_t max_bytes, std::function<void()> wake);

  /// False: it is full.
  bool push(CallLogItem item);

  /// An item that was taken waits again, behind all others.
  void put_back(CallLogItem item);

  /// From `gather` until `send_gathered`, as often, nobody is woken.
  void gather();
  void send_gathered();

  /// Events that follow one another, or one item that must be looked up; empty when nothing waits.
  std::vector<CallLogItem> take_batch();

  /// An item that was taken is dealt with.
  void forget(const CallLogItem& item);

  std::uint64_t items() const { return items_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  const std::size_t max_items_;
  const std::size_t max_bytes_;
  const std::function<void()> wake_;

  std::mutex mutex_;
  std::deque<CallLogItem> queue_;  // by mutex_
  unsigned gathering_ = 0;         // by mutex_
  std::atomic<std::uint64_t> items_{0}, bytes_{0};
};

}  // namespace ringtrace::redis
