#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "grpc/call_event_log.h"

namespace ringtrace::rpc {

/// One client's long stream (of call events, of leases, of pools), as the others see it. Both members may be
/// called from any thread.
class OpenStream {
 public:
  virtual ~OpenStream() = default;

  /// The log has grown.
  virtual void wake() = 0;

  /// Ends the stream with UNAVAILABLE, reason DRAINING and, of events, the client's cursor.
  virtual void drain() = 0;
};

/// The long streams that are open: wakes them when the log grows and ends them when the gateway stops. Every
/// member may be called from any thread.
class EventStreams {
 public:
  enum class Admission : std::uint8_t {
    kAdmitted,
    kFull,      ///< `limit` streams are open
    kDraining,  ///< after `drain`
  };

  /// `log` must outlive this.
  EventStreams(CallEventLog& log, std::size_t limit);

  Admission add(const std::shared_ptr<OpenStream>& stream);
  void remove(const OpenStream& stream);

  /// Ends all streams and admits no more.
  void drain();

  std::size_t open() const;
  std::size_t limit() const { return limit_; }

 private:
  std::vector<std::shared_ptr<OpenStream>> all() const;

  const std::size_t limit_;
  mutable std::mutex mutex_;  // held for a few instructions, never while calling out
  std::unordered_map<const OpenStream*, std::shared_ptr<OpenStream>> streams_;
  bool draining_ = false;
  std::unique_ptr<CallEventLog::Watch> watch_;  // last: ends before what its callback uses
};

}  // namespace ringtrace::rpc
