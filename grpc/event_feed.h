#pragma once

#include <ringtrace/v1/call_service.pb.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "grpc/call_event_log.h"
#include "grpc/errors.h"
#include "grpc/event_filter.h"
#include "grpc/event_source.h"
#include "pool/number_pools.h"

namespace ringtrace::rpc {

/// One reader of the call event log, without its transport: past events first, then each as it comes, without
/// a gap or a doubling, because there is only one way to get an event: reading after the last one.
///
///     auto feed = EventFeed::create(log, pools, start);        // or an Error
///     feed->open([](const Outcome& error, const EventSource::Place& place) { ... });
///     feed->next([](std::variant<SharedEvent, Error> event) { ... });   // and again, one at a time
///
/// Memory is bounded by kBatch events and, but for one event, kBatchBytes: the log is read again only when
/// these are used up, so a slow reader costs nothing but its place. Acknowledgements have no effect. See
/// EventSource for threads and callbacks.
class EventFeed final : public EventSource, public std::enable_shared_from_this<EventFeed> {
 public:
  /// Events read from the log at once, and bytes of them kept; what was read beyond is read again.
  static constexpr std::size_t kBatch = 256;
  static constexpr std::size_t kBatchBytes = std::size_t{256} << 10;

  /// A feed that begins where the start says, but for subscriptions. `log` must outlive the feed and every
  /// read under way.
  static std::variant<std::shared_ptr<EventFeed>, Error> create(CallEventLog& log,
                                                                const pool::NumberPools& pools,
                                                                const v1::CallEventsStart& start);

  /// A feed that goes on after a cursor; from the oldest event when it is empty.
  static std::shared_ptr<EventFeed> after(CallEventLog& log, EventFilter filter, std::string cursor);

  /// On success every event after the place, and none before, will be given by `next`.
  void open(OpenDone done) override;

  /// Only events that pass the filter. With `until_latest` of the start, null when the log holds no more.
  void next(NextDone done) override;
  bool has_next() override;
  void acknowledge(const std::string&) override {}
  void wake() override;
  void close() override;

 private:
  EventFeed(CallEventLog& log, EventFilter filter, std::optional<std::string> from, bool until_latest);
  void pump();
  void took(LogRead read);

  CallEventLog& log_;
  const EventFilter filter_;
  const bool from_latest_;
  const bool until_latest_;

  std::mutex mutex_;  // held for a few instructions, never while calling out
  std::string cursor_;
  std::deque<SharedEvent> batch_;
  NextDone waiting_;
  std::optional<Error> error_;
  bool behind_ = true;  // the log may hold more after cursor_
  bool reading_ = false;
  bool pumping_ = false;
  bool over_ = false;  // with until_latest_: the log holds no more
  bool closed_ = false;
};

}  // namespace ringtrace::rpc
