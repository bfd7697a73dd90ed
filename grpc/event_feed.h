#pragma once

#include <ringtrace/v1/call_service.pb.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "grpc/call_event_log.h"
#include "grpc/errors.h"
#include "pool/number_pools.h"

namespace ringtrace::rpc {

/// Pools a start may filter by.
inline constexpr int kMaxFilterPools = 100;

/// One reader of the call event log, without its transport: past events first, then each as it comes, without
/// a gap or a doubling, because there is only one way to get an event: reading after the last one.
///
///     auto feed = EventFeed::create(log, pools, start);        // or an Error
///     feed->open([](const Outcome& error, const EventFeed::Place& place) { ... });
///     feed->next([](std::variant<v1::CallEvent, Error> event) { ... });   // and again, one at a time
///
/// Memory is bounded by kBatch events: the log is read again only when these are used up, so a slow reader
/// costs nothing but its place. Nothing blocks. Every member may be called from any thread; callbacks come
/// from inside the call, from the log's thread, or from whoever calls `wake`. After `close` none begins.
class EventFeed : public std::enable_shared_from_this<EventFeed> {
 public:
  /// Where a feed has begun.
  struct Place {
    std::string from;    ///< the cursor it goes on after; empty: from the oldest event
    std::string latest;  ///< the cursor of the log's last event at that moment; empty when there was none
  };

  using OpenDone = std::function<void(const Outcome&, const Place&)>;
  using NextDone = std::function<void(std::variant<v1::CallEvent, Error>)>;

  /// Events read from the log at once.
  static constexpr std::size_t kBatch = 64;

  /// Checks the start. `log` must outlive the feed and every read under way.
  static std::variant<std::shared_ptr<EventFeed>, Error> create(CallEventLog& log,
                                                                const pool::NumberPools& pools,
                                                                const v1::CallEventsStart& start);

  /// Finds the place to begin. On success every event after it, and none before, will be given by `next`.
  void open(OpenDone done);

  /// Asks for the next event that passes the filter; `done` waits until there is one. One ask at a time.
  void next(NextDone done);

  /// The log has grown.
  void wake();

  /// No more callbacks: a waiting `next` is dropped.
  void close();

 private:
  struct Filter {
    std::set<std::string> pools;
    std::set<int> types;
    bool passes(const v1::CallEvent& event) const;
  };

  EventFeed(CallEventLog& log, Filter filter, std::optional<std::string> from);
  void pump();
  void took(LogRead read);

  CallEventLog& log_;
  const Filter filter_;
  const bool from_latest_;

  std::mutex mutex_;  // held for a few instructions, never while calling out
  std::string cursor_;
  std::deque<v1::CallEvent> batch_;
  NextDone waiting_;
  std::optional<Error> error_;
  bool behind_ = true;  // the log may hold more after cursor_
  bool reading_ = false;
  bool pumping_ = false;
  bool closed_ = false;
};

}  // namespace ringtrace::rpc
