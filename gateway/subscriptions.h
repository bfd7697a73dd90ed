#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "gateway/memory_call_log.h"
#include "grpc/subscription_store.h"
#include "redis/subscriptions.h"

namespace ringtrace::gateway {

/// Keeps named subscriptions in the store, whose subscriptions outlive it.
class StoreSubscriptions final : public rpc::SubscriptionStore {
 public:
  explicit StoreSubscriptions(redis::RedisSubscriptions& subscriptions) : subscriptions_(subscriptions) {}

  void open(std::string_view name, OpenDone done) override;
  void acknowledge(std::string_view name, std::string_view cursor) override;

 private:
  redis::RedisSubscriptions& subscriptions_;
};

/// Keeps the named subscriptions of the log in memory; they end with the process, as the log does. The log
/// outlives it.
class MemorySubscriptions final : public rpc::SubscriptionStore {
 public:
  /// Names kept at most.
  static constexpr std::size_t kMost = redis::RedisSubscriptions::kMost;

  explicit MemorySubscriptions(MemoryCallLog& log) : log_(log) {}

  void open(std::string_view name, OpenDone done) override;
  void acknowledge(std::string_view name, std::string_view cursor) override;

 private:
  struct Place {
    std::uint64_t sequence = 0;
    std::string cursor;
  };

  MemoryCallLog& log_;
  std::mutex mutex_;
  std::map<std::string, Place, std::less<>> places_;
};

}  // namespace ringtrace::gateway
