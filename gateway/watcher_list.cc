#include "gateway/watcher_list.h"

#include <utility>

namespace ringtrace::gateway {

class WatcherList::Entry final : public rpc::CallEventLog::Watch {
 public:
  Entry(std::shared_ptr<WatcherList> list, std::uint64_t id) : list_(std::move(list)), id_(id) {}
  ~Entry() override { list_->remove(id_); }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

 private:
  const std::shared_ptr<WatcherList> list_;
  const std::uint64_t id_;
};

std::unique_ptr<rpc::CallEventLog::Watch> WatcherList::add(std::function<void()> grown) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t id = next_id_++;
  watchers_.emplace(id, std::make_shared<const std::function<void()>>(std::move(grown)));
  return std::make_unique<Entry>(shared_from_this(), id);
}

void WatcherList::notify() {
  const std::lock_guard lock(mutex_);
  // By id, because a watcher may take itself or others off the list while it is called.
  std::uint64_t last = 0;
  for (auto next = watchers_.upper_bound(last); next != watchers_.end(); next = watchers_.upper_bound(last)) {
    last = next->first;
    const std::shared_ptr<const std::function<void()>> grown = next->second;
    (*grown)();
  }
}

void WatcherList::remove(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  watchers_.erase(id);
}

}  // namespace ringtrace::gateway
