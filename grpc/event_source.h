#pragma once

#include <ringtrace/v1/call.pb.h>

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "grpc/errors.h"

namespace ringtrace::rpc {

/// An event that several readers hold at one time.
using SharedEvent = std::shared_ptr<const v1::CallEvent>;

/// Where the events of one stream come from.
///
/// Nothing blocks. Every member may be called from any thread; callbacks come from inside the call, from the
/// log's thread, or from whoever calls `wake`. After `close` none begins.
class EventSource {
 public:
  /// Where a source has begun.
  struct Place {
    std::string from;    ///< the cursor it goes on after; empty: from the oldest event
    std::string latest;  ///< the cursor of the log's last event at that moment; empty when there was none
  };

  using OpenDone = std::function<void(const Outcome&, const Place&)>;
  /// An event; null at the end of a source that was asked to end with the log.
  using NextDone = std::function<void(std::variant<SharedEvent, Error>)>;

  virtual ~EventSource() = default;

  /// Finds the place to begin. Once, before anything else.
  virtual void open(OpenDone done) = 0;

  /// Asks for the next event; `done` waits until there is one. One ask at a time.
  virtual void next(NextDone done) = 0;

  /// Another event is at hand: the `next` to come waits for nothing, neither the log nor an acknowledgement.
  /// Only while none waits.
  virtual bool has_next() = 0;

  /// Every event given up to and including this cursor has been dealt with.
  virtual void acknowledge(const std::string& cursor) = 0;

  /// The log has grown.
  virtual void wake() = 0;

  /// No more callbacks: a waiting `next` is dropped.
  virtual void close() = 0;
};

}  // namespace ringtrace::rpc
