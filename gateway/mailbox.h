#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

namespace ringtrace::gateway {

/// What the main thread is told by others.
enum class Notice : std::uint8_t {
  kStop,     ///< asked to end
  kReload,   ///< asked to read the configuration again
  kSettled,  ///< the store is reloaded, or known to be away
  kLost,     ///< another gateway has taken the pools over
};

/// How the main thread is told. At most kMost wait; more of them could only repeat what waits already, and
/// are dropped. Any thread may post; one waits.
class Mailbox {
 public:
  static constexpr std::size_t kMost = 64;

  void post(Notice notice) {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMost) return;
    waiting_.push_back(notice);
    arrived_.notify_one();
  }

  /// The next notice; none after `patience`.
  std::optional<Notice> wait_for(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, patience, [this] { return !waiting_.empty(); })) return std::nullopt;
    const Notice notice = waiting_.front();
    waiting_.pop_front();
    return notice;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Notice> waiting_;
};

}  // namespace ringtrace::gateway
