#include "grpc/event_stream.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "grpc/front.h"
#include "grpc/metadata.h"

namespace ringtrace::rpc {
namespace {

/// One client's stream of call events.
///
/// The library allows one read, one write and one finish, and nothing after the finish. What is wanted next
/// is noted under the mutex and carried out by `operate`, by one thread at a time, so that a drain, a
/// cancellation and an event that come together cannot cross. Keeps itself alive until OnDone.
class EventStream final
    : public grpc::ServerBidiReactor<v1::StreamCallEventsRequest, v1::StreamCallEventsResponse>,
      public OpenStream,
      public std::enable_shared_from_this<EventStream> {
 public:
  EventStream(grpc::CallbackServerContext& context, Subscriptions& subscriptions, EventStreams& streams,
              Front& front)
      : context_(context), subscriptions_(subscriptions), streams_(streams), front_(front) {}

  void begin() {
    self_ = shared_from_this();
    auto admitted = admit(front_, context_, Method::kStreamCallEvents);
    if (const Error* refused = std::get_if<Error>(&admitted)) return end(*refused);
    ticket_ = std::get<Ticket>(std::move(admitted));
    switch (streams_.add(self_)) {
      case EventStreams::Admission::kAdmitted:
        return want_read();
      case EventStreams::Admission::kFull:
        front_.statistics.count_refused_stream();
        return end(too_many_streams(streams_.limit()));
      case EventStreams::Admission::kDraining:
        return end(draining(""));
    }
  }

  void wake() override {
    if (const std::shared_ptr<EventSource> source = current_source()) source->wake();
  }

  void drain() override {
    std::string cursor;
    {
      const std::lock_guard lock(mutex_);
      cursor = last_cursor_;
    }
    end(draining(cursor));
  }

  void OnReadDone(bool ok) override {
    const std::shared_ptr<EventSource> source = current_source();
    if (!ok) {
      // The client may close its side once it has started; it goes on listening.
      if (!source) end(stream_start_missing());
      return;
    }
    if (Outcome refused = check_size(front_, request_)) return end(*refused);
    if (!source) return start();
    if (request_.has_start()) return end(stream_start_repeated());
    if (!request_.has_ack_cursor()) return end(field_required("ack_cursor"));
    source->acknowledge(request_.ack_cursor());
    want_read();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return end(caller_gone());
    front_.statistics.count_event();
    {
      const std::lock_guard lock(mutex_);
      last_cursor_ = response_.event().cursor();
    }
    ask_next();
  }

  void OnCancel() override { end(caller_gone()); }

  void OnDone() override {
    if (const std::shared_ptr<EventSource> source = current_source()) source->close();
    streams_.remove(*this);
    self_.reset();
  }

 private:
  using Next = std::variant<SharedEvent, Error>;

  std::shared_ptr<EventSource> current_source() {
    const std::lock_guard lock(mutex_);
    return source_;
  }

  void start() {
    if (!request_.has_start()) return end(stream_start_missing());
    if (Outcome refused = restrict_request(*ticket_, *request_.mutable_start())) return end(*refused);
    auto made = subscriptions_.open(request_.start());
    if (const Error* error = std::get_if<Error>(&made)) return end(*error);
    const std::shared_ptr<EventSource> source = std::get<std::shared_ptr<EventSource>>(made);
    {
      const std::lock_guard lock(mutex_);
      source_ = source;
    }
    source->open([weak = weak_from_this()](const Outcome& error, const EventSource::Place& place) {
      if (const auto stream = weak.lock()) stream->opened(error, place);
    });
    want_read();
  }

  void opened(const Outcome& error, const EventSource::Place& place) {
    if (error) return end(*error);
    {
      const std::lock_guard lock(mutex_);
      last_cursor_ = place.from;
      latest_at_start_ = place.latest;
      metadata_wanted_ = true;
    }
    operate();
    ask_next();
  }

  void ask_next() {
    current_source()->next([weak = weak_from_this()](Next next) {
      if (const auto stream = weak.lock()) stream->deliver(std::move(next));
    });
  }

  void deliver(Next next) {
    if (const Error* error = std::get_if<Error>(&next)) return end(*error);
    if (Outcome refused = ticket_->check_still_valid()) return end(*refused);
    {
      const std::lock_guard lock(mutex_);
      *response_.mutable_event() = *std::get<SharedEvent>(next);
      write_wanted_ = true;
    }
    operate();
  }

  void want_read() {
    {
      const std::lock_guard lock(mutex_);
      read_wanted_ = true;
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
    const std::shared_ptr<EventStream> keep = shared_from_this();
    std::unique_lock lock(mutex_);
    if (operating_) return;
    operating_ = true;
    while (!finished_) {
      if (ending_) {
        finished_ = true;
        lock.unlock();
        Finish(count_end(front_, Method::kStreamCallEvents, ending_));
      } else if (std::exchange(metadata_wanted_, false)) {
        lock.unlock();
        context_.AddInitialMetadata(kLatestCursorKey, latest_at_start_);
        StartSendInitialMetadata();
      } else if (std::exchange(read_wanted_, false)) {
        lock.unlock();
        StartRead(&request_);
      } else if (std::exchange(write_wanted_, false)) {
        lock.unlock();
        StartWrite(&response_);
      } else {
        break;
      }
      lock.lock();
    }
    operating_ = false;
  }

  // Constant after construction; the context lives until OnDone.
  grpc::CallbackServerContext& context_;
  Subscriptions& subscriptions_;
  EventStreams& streams_;
  Front& front_;

  std::optional<Ticket> ticket_;  // written once, by begin(); the stream's events use it one at a time

  // The library's while an operation is under way.
  v1::StreamCallEventsRequest request_;
  v1::StreamCallEventsResponse response_;

  std::mutex mutex_;  // held for a few instructions, never while calling out
  std::shared_ptr<EventSource> source_;
  std::string last_cursor_;      // of the last event the transport has taken
  std::string latest_at_start_;  // written once, before metadata_wanted_
  std::optional<Error> ending_;  // written once
  bool metadata_wanted_ = false;
  bool read_wanted_ = false;
  bool write_wanted_ = false;
  bool operating_ = false;
  bool finished_ = false;

  std::shared_ptr<EventStream> self_;  // from begin() to OnDone()
};

}  // namespace

grpc::ServerBidiReactor<v1::StreamCallEventsRequest, v1::StreamCallEventsResponse>* open_event_stream(
    grpc::CallbackServerContext& context, Subscriptions& subscriptions, EventStreams& streams, Front& front) {
  const auto stream = std::make_shared<EventStream>(context, subscriptions, streams, front);
  stream->begin();
  return stream.get();
}

}  // namespace ringtrace::rpc
