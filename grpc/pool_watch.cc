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

#include "grpc/long_stream.h"

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

/// One client's watch. A timer that is set keeps it alive.
class PoolWatch final : public LongStream<grpc::ServerWriteReactor<grpc::ByteBuffer>> {
 public:
  PoolWatch(grpc::CallbackServerContext& context, const PoolCore& core, EventStreams& streams, Front& front,
            std::chrono::milliseconds interval)
      : LongStream(context, streams, front, Method::kWatchPools), core_(core), interval_(interval) {}

  void begin(const grpc::ByteBuffer& bytes) {
    if (!enter()) return;
    v1::WatchPoolsRequest request;
    Outcome refused = read_message(front_, bytes, request);
    if (!refused) refused = restrict_request(*ticket_, request);
    if (refused) return end(*refused);
    auto pools = core_.watched_pools(request);
    if (const Error* error = std::get_if<Error>(&pools)) return end(*error);
    pools_ = std::get<std::vector<pool::PoolIndex>>(std::move(pools));
    told_.resize(pools_.size());
    look();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return give_up();
    write_next();
  }

  void OnDone() override {
    alarm_.Cancel();
    LongStream::OnDone();
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
    change([this] {
      if (changed_.empty()) {
        timer_wanted_ = true;
      } else {
        response_ = std::move(changed_.front());
        changed_.pop_front();
        write_wanted_ = true;
      }
    });
  }

  bool act(std::unique_lock<std::mutex>& lock) override {
    if (std::exchange(write_wanted_, false)) {
      lock.unlock();
      write_message(response_, written_);
      StartWrite(&written_);
    } else if (std::exchange(timer_wanted_, false)) {
      lock.unlock();
      // Not in the callback, which the alarm keeps for as long as it lives itself: neither would ever go.
      kept_by_timer_ = shared_from_this();
      alarm_.Set(looked_ + interval_, [this](bool due) {
        const auto self = std::exchange(kept_by_timer_, nullptr);
        if (due) look();
      });
    } else {
      return false;
    }
    return true;
  }

  // Constant after begin().
  const PoolCore& core_;
  const std::chrono::milliseconds interval_;
  std::vector<pool::PoolIndex> pools_;

  // Of whoever looks or writes; that is one at a time.
  std::vector<std::string> told_;
  std::deque<v1::WatchPoolsResponse> changed_;  // at most one of each pool
  std::chrono::system_clock::time_point looked_;
  v1::WatchPoolsResponse response_;
  grpc::ByteBuffer written_;

  // By mutex_.
  bool write_wanted_ = false;
  bool timer_wanted_ = false;

  // Of whoever acts, and of the timer from when it is set until it is over.
  std::shared_ptr<LongStream> kept_by_timer_;
  grpc::Alarm alarm_;
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* open_pool_watch(grpc::CallbackServerContext& context,
                                                            const grpc::ByteBuffer& request,
                                                            const PoolCore& core, EventStreams& streams,
                                                            Front& front,
                                                            std::chrono::milliseconds interval) {
  const auto watch = std::make_shared<PoolWatch>(context, core, streams, front, interval);
  watch->begin(request);
  return watch.get();
}

}  // namespace ringtrace::rpc
