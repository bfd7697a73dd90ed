#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "redis/claims.h"
#include "redis/connection.h"
#include "redis/lease_call.h"
#include "redis/lease_store.h"

namespace ringtrace::redis {

/// Gathers steps into calls. Per pool, because a call is checked against one owner. A step that finds no call
/// of its pool under way leaves with the next turn of the loop; what comes while one is under way leaves when
/// that is answered, or earlier when it is enough for a call of its own.
///
/// Internal to the room. `write` may be called by any thread; all else is the io thread's.
class LeaseWriter : public std::enable_shared_from_this<LeaseWriter> {
 public:
  LeaseWriter(Connection& connection, Claims& claims, LeaseStoreOptions options)
      : connection_(connection), claims_(claims), options_(options) {}

  void write(LeaseStep step);

  /// What is waiting is answered; what is under way is answered by the connection.
  void stop();

  std::size_t outstanding() const { return outstanding_.load(); }

 private:
  struct Queue {
    std::deque<LeaseStep> waiting;
    std::size_t calls = 0;
    bool sending = false;  ///< calls that are turned away answer from inside
  };

  struct Call;
  using CallPtr = std::shared_ptr<Call>;

  static bool may_send(const Queue& queue);
  void send_all();
  void send(const std::string& pool, Queue& queue, std::unique_lock<std::mutex>& lock);
  void send_call(const CallPtr& call);
  LeaseSteps take_steps(Queue& queue, std::size_t most);
  Command wait_command(const std::string& pool) const;

  void note_replicas(Call& call) const;
  void answered(Call& call);
  void deliver(const std::string& pool, const LeaseSteps& steps, Answer& answer);
  void written(const LeaseSteps& steps, const std::vector<Reply>& parts);
  void failed(const LeaseSteps& steps, const Reply& error);
  void refuse(const LeaseSteps& steps);
  void finish(const LeaseSteps& steps, const pool::StoreReply& reply);

  Connection& connection_;
  Claims& claims_;
  const LeaseStoreOptions options_;

  // Own synchronization.
  std::atomic<std::size_t> outstanding_{0};
  std::atomic<bool> stopped_{false};  ///< set by mutex_
  std::mutex mutex_;
  // By mutex_.
  std::unordered_map<std::string, Queue> queues_;
  bool waking_ = false;  ///< the loop is to look at the queues

  // The io thread only.
  std::unordered_set<std::uint64_t> numbers_;  ///< of the call that is being made
  std::unordered_set<std::uint64_t> visits_;
};

}  // namespace ringtrace::redis
