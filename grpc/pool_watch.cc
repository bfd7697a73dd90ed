#include "grpc/pool_watch.h"

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "grpc/front.h"

namespace ringtrace::rpc {
namespace {

/// What makes a pool worth telling again: all but the passing of time.
std::string essence_of(v1::Pool pool) {
  pool.mutable_capacity()->clear_read_time();
  pool.mutable_capacity()->clear_oldest_idle_duration();
  std::string text = pool.name();
  // The configuration does not change, and a map has no order of its own.
  return text += pool.capacity().SerializeAsString();
}

/// One client's watch. As in EventStream, what is wanted next is noted under the mutex and carried out by
/// `operate`, by one thread at a time. It keeps itself alive until OnDone; a timer that is set keeps it too.
class PoolWatch final : public grpc::ServerWriteReactor<v1::WatchPoolsResponse>,
                        public OpenStream,
                        public std::enable_shared_from_this<PoolWatch> {
 public:
  PoolWatch(const PoolCore& core, EventStreams& streams, Front& front, std::chrono::milliseconds interval)
      : core_(core), streams_(streams), front_(front), interval_(interval) {}

  void begin(const grpc::CallbackServerContext& context, v1::WatchPoolsRequest request) {
    self_ = shared_from_this();
    auto admitted = admit(front_, context, Method::kWatchPools);
    if (const Error* refused = std::get_if<Error>(&admitted)) return end(*refused);
    ticket_ = std::get<Ticket>(std::move(admitted));
    switch (streams_.add(self_)) {
      case EventStreams::Admission::kAdmitted:
        break;
      case EventStreams::Admission::kFull:
        front_.statistics.count_refused_stream();
        return end(too_many_streams(streams_.limit()));
      case EventStreams::Admission::kDraining:
        return end(draining(""));
    }
    Outcome refused = check_size(front_, request);
    if (!refused) refused = restrict_request(*ticket_, request);
    if (refused) return end(*refused);
    auto pools = core_.watched_pools(request);
    if (const Error* error = std::get_if<Error>(&pools)) return end(*error);
    pools_ = std::get<std::vector<pool::PoolIndex>>(std::move(pools));
    told_.resize(pools_.size());
    look();
  }

  void wake() override {}
  void drain() override { end(draining("")); }
  void OnCancel() override { end(caller_gone()); }

  void OnWriteDone(bool ok) override {
    if (!ok) return end(caller_gone());
    write_next();
  }

  void OnDone() override {
    streams_.remove(*this);
    self_.reset();
  }

 private:
  /// One at a time: from begin, or from the timer that is set when all of the last look is written.
  void look() {
    if (Outcome refused = ticket_->check_still_valid()) return end(*refused);
    looked_ = std::chrono::system_clock::now();
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      v1::WatchPoolsResponse response;
      core_.fill(*response.mutable_pool(), pools_[i]);
      std::string essence = essence_of(response.pool());
      if (essence == told_[i]) continue;
      told_[i] = std::move(essence);
      changed_.push_back(std::move(response));
    }
    write_next();
  }

  void write_next() {
    {
      const std::lock_guard lock(mutex_);
      if (changed_.empty()) {
        timer_wanted_ = true;
      } else {
        response_ = std::move(changed_.front());
        changed_.pop_front();
        write_wanted_ = true;
      }
    }
    operate();
  }

  /// The first reason to end is the one that counts.
  void end(Error error) {
    {
      const std::lock_guard lock(mutex_);
      if (!ending_) ending_ = std::move(error);
    }
    operate();
  }

  void operate() {
    const std::shared_ptr<PoolWatch> keep = shared_from_this();
    std::unique_lock lock(mutex_);
    if (operating_) return;
    operating_ = true;
    while (!finished_) {
      if (ending_) {
        finished_ = true;
        lock.unlock();
        alarm_.Cancel();
        Finish(count_end(front_, Method::kWatchPools, ending_));
      } else if (std::exchange(write_wanted_, false)) {
        lock.unlock();
        StartWrite(&response_);
      } else if (std::exchange(timer_wanted_, false)) {
        lock.unlock();
        alarm_.Set(looked_ + interval_, [self = shared_from_this()](bool due) {
          if (due) self->look();
        });
      } else {
        break;
      }
      lock.lock();
    }
    operating_ = false;
  }

  // Constant after begin().
  const PoolCore& core_;
  EventStreams& streams_;
  Front& front_;
  std::optional<Ticket> ticket_;
  const std::chrono::milliseconds interval_;
  std::vector<pool::PoolIndex> pools_;

  // Of whoever looks or writes; that is one at a time.
  std::vector<std::string> told_;
  std::deque<v1::WatchPoolsResponse> changed_;  // at most one of each pool
  std::chrono::system_clock::time_point looked_;
  v1::WatchPoolsResponse response_;

  std::mutex mutex_;             // held for a few instructions, never while calling out
  std::optional<Error> ending_;  // written once
  bool write_wanted_ = false;
  bool timer_wanted_ = false;
  bool operating_ = false;
  bool finished_ = false;

  grpc::Alarm alarm_;  // of whoever operates

  std::shared_ptr<PoolWatch> self_;  // from begin() to OnDone()
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchPoolsResponse>* open_pool_watch(grpc::CallbackServerContext& context,
                                                                  const v1::WatchPoolsRequest& request,
                                                                  const PoolCore& core, EventStreams& streams,
                                                                  Front& front,
                                                                  std::chrono::milliseconds interval) {
  const auto watch = std::make_shared<PoolWatch>(core, streams, front, interval);
  watch->begin(context, request);
  return watch.get();
}

}  // namespace ringtrace::rpc
