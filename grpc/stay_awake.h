#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace grpc {
class Channel;
}  // namespace grpc

namespace ringtrace::rpc {

/// Keeps the threads of the callback API from sleeping.
///
/// In gRPC 1.51 such a thread, after one second without an event, sleeps for 100 ms before it looks again,
/// and with all of them asleep a quiet gateway answers its first request that much late: measured with one
/// request every 1.08 s, 22 ms and more instead of 0.6 ms. A call to the server's own health service over the
/// in-process channel, every kInterval, is an event. (A grpc::Alarm is none: its callback runs on a timer
/// thread and wakes nobody; measured, it changes nothing.)
class StayAwake {
 public:
  /// Often enough that each second has two.
  static constexpr std::chrono::milliseconds kInterval{400};

  /// Begins; `channel` leads to the server that is to stay awake.
  explicit StayAwake(std::shared_ptr<grpc::Channel> channel);

  /// Ends; waits for a call under way, which has a deadline of kInterval.
  ~StayAwake();
  StayAwake(const StayAwake&) = delete;
  StayAwake& operator=(const StayAwake&) = delete;

 private:
  void run();

  const std::shared_ptr<grpc::Channel> channel_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;  // last: uses all of the above
};

}  // namespace ringtrace::rpc
