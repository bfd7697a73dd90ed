#pragma once

#include <ringtrace/v1/call.pb.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "grpc/call_index.h"

namespace ringtrace::gateway {

/// The calls of the log in memory. It holds what the log holds: the log tells it of each event that comes and
/// goes. Any thread may call; a search lets others in after every kLook calls.
class MemoryCallIndex final : public rpc::CallIndex {
 public:
  using Event = std::shared_ptr<const v1::CallEvent>;

  /// Calls looked at under one hold of the lock.
  static constexpr std::size_t kLook = 256;

  /// An event went into the log.
  void add(const Event& event);

  /// An event of the log was changed.
  void replace(const Event& event, const Event& by);

  /// The oldest event went out of it.
  void drop(const Event& event);

  void search(rpc::CallQuery query, PageDone done) override;
  void find(std::string_view call_id, FoundDone done) override;

  std::size_t size() const;

 private:
  /// Those that started last come first.
  struct Order {
    bool operator()(const rpc::CallPlace& a, const rpc::CallPlace& b) const {
      return a.start != b.start ? a.start > b.start : a.call_id > b.call_id;
    }
  };
  struct Row {
    Event latest;   // the newest of the call's own events, while it is in the log
    Event updated;  // the newest update of its attribution, while it is in the log
  };

  static v1::Call call_of(const Row& row);
  static bool is_asked_for(const v1::Call& call, const rpc::CallQuery& query);

  mutable std::mutex mutex_;
  std::map<rpc::CallPlace, Row, Order> rows_;
  std::unordered_map<std::string, pool::Time> starts_;  // of each row
};

}  // namespace ringtrace::gateway
