#include "grpc/event_stream.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "grpc/long_stream.h"
#include "grpc/metadata.h"

namespace ringtrace::rpc {
namespace {

using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

/// One client's stream of call events.
class EventStream final : public LongStream<Reactor> {
 public:
  EventStream(grpc::CallbackServerContext& context, Subscriptions& subscriptions, EventStreams& streams,
              Front& front)
      : LongStream(context, streams, front, Method::kStreamCallEvents), subscriptions_(subscriptions) {}

  void begin() {
    if (enter()) want_read();
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
    if (Outcome refused = read_message(front_, read_, request_)) return end(*refused);
    if (!source) return start();
    if (request_.has_start()) return end(stream_start_repeated());
    if (!request_.has_ack_cursor()) return end(field_required("ack_cursor"));
    source->acknowledge(request_.ack_cursor());
    want_read();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return give_up();
    front_.statistics.count_event();
    {
      const std::lock_guard lock(mutex_);
      last_cursor_ = response_.event().cursor();
    }
    ask_next();
  }

  void OnDone() override {
    if (const std::shared_ptr<EventSource> source = current_source()) source->close();
    LongStream::OnDone();
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
    source->open([weak = weak()](const Outcome& error, const EventSource::Place& place) {
      if (const auto stream = weak.lock()) stream->opened(error, place);
    });
    want_read();
  }

  void opened(const Outcome& error, const EventSource::Place& place) {
    if (error) return end(*error);
    change([&] {
      last_cursor_ = place.from;
      latest_at_start_ = place.latest;
      metadata_wanted_ = true;
    });
    ask_next();
  }

  void ask_next() {
    current_source()->next([weak = weak()](Next next) {
      if (const auto stream = weak.lock()) stream->deliver(std::move(next));
    });
  }

  void deliver(Next next) {
    if (const Error* error = std::get_if<Error>(&next)) return end(*error);
    if (!std::get<SharedEvent>(next)) return end(std::nullopt);
    if (Outcome refused = ticket_->check_still_valid()) return end(*refused);
    change([&] {
      *response_.mutable_event() = *std::get<SharedEvent>(next);
      front_.eraser.redact(*response_.mutable_event());
      write_wanted_ = true;
    });
  }

  void want_read() {
    change([this] { read_wanted_ = true; });
  }

  bool act(std::unique_lock<std::mutex>& lock) override {
    if (std::exchange(metadata_wanted_, false)) {
      lock.unlock();
      context_.AddInitialMetadata(kLatestCursorKey, latest_at_start_);
      StartSendInitialMetadata();
    } else if (std::exchange(read_wanted_, false)) {
      lock.unlock();
      StartRead(&read_);
    } else if (std::exchange(write_wanted_, false)) {
      lock.unlock();
      write_message(response_, written_);
      // With the next event at hand the transport may wait for it, and send them together.
      grpc::WriteOptions options;
      if (current_source()->has_next()) options.set_buffer_hint();
      StartWrite(&written_, options);
    } else {
      return false;
    }
    return true;
  }

  std::weak_ptr<EventStream> weak() { return std::static_pointer_cast<EventStream>(shared_from_this()); }

  Subscriptions& subscriptions_;

  // The library's while an operation is under way.
  grpc::ByteBuffer read_;
  grpc::ByteBuffer written_;
  v1::StreamCallEventsRequest request_;    // what has been read last
  v1::StreamCallEventsResponse response_;  // what is being written

  // By mutex_.
  std::shared_ptr<EventSource> source_;
  std::string last_cursor_;      // of the last event the transport has taken
  std::string latest_at_start_;  // written once, before metadata_wanted_
  bool metadata_wanted_ = false;
  bool read_wanted_ = false;
  bool write_wanted_ = false;
};

}  // namespace

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* open_event_stream(
    grpc::CallbackServerContext& context, Subscriptions& subscriptions, EventStreams& streams, Front& front) {
  const auto stream = std::make_shared<EventStream>(context, subscriptions, streams, front);
  stream->begin();
  return stream.get();
}

}  // namespace ringtrace::rpc
