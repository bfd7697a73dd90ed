#pragma once

#include <chrono>

#include "sip/timer_queue.h"

namespace ringtrace::sip {

/// Says when new calls must be turned away so that those under way do not suffer. It looks at one thing: how
/// long a message has waited to be served. (Nichols and Jacobson, "Controlling Queue Delay", 2012: a queue
/// that stays long is a standing one, a queue that was long once is a burst.) Pure; one thread.
class OverloadControl {
 public:
  struct Limits {
    std::chrono::milliseconds target{50};     ///< waiting longer than this is too long...
    std::chrono::milliseconds interval{100};  ///< ...when it has been so for this time without a break
    std::chrono::milliseconds hard{500};      ///< waiting longer than this is too long at once
  };

  OverloadControl() = default;
  explicit OverloadControl(Limits limits) : limits_(limits) {}

  /// A message that has waited `waited` is about to be served. To be told of every request for a new call.
  void observe(std::chrono::nanoseconds waited, SteadyTime now);
  /// New calls are to be refused now. What was seen more than an interval ago says nothing any more.
  bool refuses(SteadyTime now) const { return refuses_ && now - observed_ <= limits_.interval; }

 private:
  Limits limits_;
  SteadyTime above_since_{};
  SteadyTime observed_{};
  bool above_ = false;
  bool refuses_ = false;
};

}  // namespace ringtrace::sip
