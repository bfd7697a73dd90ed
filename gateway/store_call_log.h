#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "gateway/watcher_list.h"
#include "grpc/call_event_log.h"
#include "redis/call_log.h"

namespace ringtrace::gateway {

/// The store's log of call events as the services read it. Construct it before the store's connection starts;
/// the store's log outlives it, and it outlives the services.
class StoreCallLog final : public rpc::CallEventLog {
 public:
  explicit StoreCallLog(redis::RedisCallLog& log);

  void read_after(std::string_view cursor, std::size_t max, ReadDone done) override;
  void latest_cursor(EndDone done) override;
  std::unique_ptr<Watch> watch(std::function<void()> grown) override;

 private:
  redis::RedisCallLog& log_;
  const std::shared_ptr<WatcherList> watchers_ = std::make_shared<WatcherList>();
};

}  // namespace ringtrace::gateway
