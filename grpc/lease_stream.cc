#include "grpc/lease_stream.h"

#include <google/protobuf/util/time_util.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "grpc/front.h"

namespace ringtrace::rpc {
namespace {

v1::LeaseNumbersError to_message(const Error& error) {
  v1::LeaseNumbersError message;
  message.set_code(static_cast<int>(code_of(error.reason)));
  message.set_reason(std::string(to_string(error.reason)));
  message.set_message(error.message);
  message.mutable_metadata()->insert(error.metadata.begin(), error.metadata.end());
  if (error.retry_after) {
    *message.mutable_retry_delay() =
        google::protobuf::util::TimeUtil::MillisecondsToDuration(error.retry_after->count());
  }
  return message;
}

/// One client's stream. As in EventStream, what is wanted next is noted under the mutex and carried out by
/// `operate`, by one thread at a time; it keeps itself alive until OnDone, and the requests under way keep it
/// until they are answered.
class LeaseStream final : public grpc::ServerBidiReactor<v1::LeaseNumbersRequest, v1::LeaseNumbersResponse>,
                          public OpenStream,
                          public std::enable_shared_from_this<LeaseStream> {
 public:
  LeaseStream(grpc::CallbackServerContext& context, LeaseCore& core, EventStreams& streams, Front& front)
      : context_(context), core_(core), streams_(streams), front_(front) {}

  void begin() {
    self_ = shared_from_this();
    auto admitted = admit(front_, context_, Method::kLeaseNumbers);
    if (const Error* refused = std::get_if<Error>(&admitted)) return end(*refused);
    ticket_ = std::get<Ticket>(std::move(admitted));
    switch (streams_.add(self_)) {
      case EventStreams::Admission::kAdmitted:
        return operate();
      case EventStreams::Admission::kFull:
        front_.statistics.count_refused_stream();
        return end(too_many_streams(streams_.limit()));
      case EventStreams::Admission::kDraining:
        return end(draining(""));
    }
  }

  void wake() override {}
  void drain() override { end(draining("")); }

  void OnReadDone(bool ok) override {
    std::shared_ptr<Work> work;
    {
      const std::lock_guard lock(mutex_);
      reading_ = false;
      if (ok) {
        ++under_way_;
        work = std::make_shared<Work>();
        work->request.Swap(&request_);
      } else {
        closed_ = true;
      }
    }
    if (work) begin_work(work);
    operate();
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      --under_way_;
      if (!ok) gone_ = true;
    }
    operate();
  }

  void OnCancel() override {
    {
      const std::lock_guard lock(mutex_);
      gone_ = true;
    }
    operate();
  }

  void OnDone() override {
    streams_.remove(*this);
    self_.reset();
  }

 private:
  struct Work {
    v1::LeaseNumbersRequest request;
    v1::LeaseNumberResponse response;
  };

  void begin_work(const std::shared_ptr<Work>& work) {
    if (context_.deadline() < std::chrono::system_clock::now()) return answer(*work, deadline_passed());
    const v1::LeaseNumberRequest& request = work->request.request();
    Outcome refused = ticket_->check_still_valid();
    if (!refused) refused = check_size(front_, request);
    if (!refused) refused = restrict_request(*ticket_, request);
    if (refused) return answer(*work, refused);
    core_.lease_number(request, work->response, [stream = shared_from_this(), work](const Outcome& error) {
      stream->answer(*work, error);
    });
  }

  void answer(Work& work, const Outcome& error) {
    v1::LeaseNumbersResponse message;
    message.set_tag(work.request.tag());
    if (error) {
      *message.mutable_error() = to_message(*error);
    } else {
      message.mutable_lease()->Swap(work.response.mutable_lease());
    }
    {
      const std::lock_guard lock(mutex_);
      answers_.push_back(std::move(message));
    }
    operate();
  }

  void end(Error error) {
    {
      const std::lock_guard lock(mutex_);
      if (!ending_) ending_ = std::move(error);
    }
    operate();
  }

  void operate() {
    const std::shared_ptr<LeaseStream> keep = shared_from_this();
    std::unique_lock lock(mutex_);
    if (operating_) return;
    operating_ = true;
    while (!finished_) {
      if (gone_ || (under_way_ == 0 && (closed_ || ending_))) {
        finished_ = true;
        const Outcome error = gone_ ? caller_gone() : ending_;
        lock.unlock();
        Finish(count_end(front_, Method::kLeaseNumbers, error));
      } else if (!writing_ && !answers_.empty()) {
        writing_ = true;
        response_ = std::move(answers_.front());
        answers_.pop_front();
        grpc::WriteOptions options;
        if (!answers_.empty()) options.set_buffer_hint();
        lock.unlock();
        StartWrite(&response_, options);
      } else if (!reading_ && !closed_ && !ending_ && under_way_ < kMaxLeasesUnderWay) {
        reading_ = true;
        lock.unlock();
        StartRead(&request_);
      } else {
        break;
      }
      lock.lock();
    }
    operating_ = false;
  }

  // Constant after construction; the context lives until OnDone.
  grpc::CallbackServerContext& context_;
  LeaseCore& core_;
  EventStreams& streams_;
  Front& front_;
  std::optional<Ticket> ticket_;  // written once, by begin(); then of the reads, one at a time

  // The library's while an operation is under way.
  v1::LeaseNumbersRequest request_;
  v1::LeaseNumbersResponse response_;

  std::mutex mutex_;  // held for a few instructions, never while calling out
  std::deque<v1::LeaseNumbersResponse> answers_;
  std::size_t under_way_ = 0;    // read and not sent yet
  std::optional<Error> ending_;  // written once
  bool closed_ = false;          // the client sends no more
  bool gone_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool operating_ = false;
  bool finished_ = false;

  std::shared_ptr<LeaseStream> self_;  // from begin() to OnDone()
};

}  // namespace

grpc::ServerBidiReactor<v1::LeaseNumbersRequest, v1::LeaseNumbersResponse>* open_lease_stream(
    grpc::CallbackServerContext& context, LeaseCore& core, EventStreams& streams, Front& front) {
  const auto stream = std::make_shared<LeaseStream>(context, core, streams, front);
  stream->begin();
  return stream.get();
}

}  // namespace ringtrace::rpc
