#include "redis/call_log_queue.h"

#include <utility>

namespace ringtrace::redis {
namespace {

// Events in one function call: all of them or none, so that the order holds however the call ends. Only who
// is behind has so many; they keep Redis for some 5 ms, for which a lease may have to wait.
constexpr std::size_t kMaxBatch = 128;
constexpr std::size_t kMaxBatchBytes = std::size_t{1} << 20;

}  // namespace

CallLogQueue::CallLogQueue(std::size_t max_items, std::size_t max_bytes, std::function<void()> wake)
    : max_items_(max_items), max_bytes_(max_bytes), wake_(std::move(wake)) {}

bool CallLogQueue::push(CallLogItem item) {
  const std::lock_guard lock(mutex_);
  if (items_ >= max_items_ || bytes_ + item.bytes > max_bytes_) return false;
  ++items_;
  bytes_ += item.bytes;
  queue_.push_back(std::move(item));
  if (queue_.size() == 1 && gathering_ == 0) wake_();
  return true;
}

void CallLogQueue::put_back(CallLogItem item) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(item));
}

void CallLogQueue::gather() {
  const std::lock_guard lock(mutex_);
  ++gathering_;
}

void CallLogQueue::send_gathered() {
  const std::lock_guard lock(mutex_);
  if (--gathering_ == 0 && !queue_.empty()) wake_();
}

std::vector<CallLogItem> CallLogQueue::take_batch() {
  std::vector<CallLogItem> batch;
  const std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  while (!queue_.empty() && batch.size() < kMaxBatch && bytes < kMaxBatchBytes) {
    const bool lone = !std::holds_alternative<CallLogItem::Packed>(queue_.front().what);
    if (lone && !batch.empty()) break;
    bytes += queue_.front().bytes;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (lone) break;
  }
  return batch;
}

void CallLogQueue::forget(const CallLogItem& item) {
  --items_;
  bytes_ -= item.bytes;
}

}  // namespace ringtrace::redis
