#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "grpc/call_event_log.h"

namespace ringtrace::gateway {

/// Those who want to know when a log has grown. Any thread may call.
///
/// `notify` calls each watcher under a lock, so that a Watch that is gone has no call under way; a watcher
/// may end its own or another watch from inside its call.
class WatcherList : public std::enable_shared_from_this<WatcherList> {
 public:
  std::unique_ptr<rpc::CallEventLog::Watch> add(std::function<void()> grown);
  void notify();

 private:
  class Entry;
  void remove(std::uint64_t id);

  std::recursive_mutex mutex_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::shared_ptr<const std::function<void()>>> watchers_;
};

}  // namespace ringtrace::gateway
