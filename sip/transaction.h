#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pool/assert.h"

/// What the four transaction machines share: RFC 3261 section 17 with RFC 6026's corrections. Each machine is
/// told what happened and answers with what is to be done; it knows no socket, message or clock.

namespace ringtrace::sip {

using Milliseconds = std::chrono::milliseconds;

/// The timers by the names of RFC 3261 table 4 and RFC 6026 section 7; the last ones are the proxy core's
/// own.
enum class Timer : std::uint8_t {
  kA,              ///< INVITE client: retransmit the request
  kB,              ///< INVITE client: no answer at all
  kD,              ///< INVITE client: wait for retransmitted finals
  kE,              ///< non-INVITE client: retransmit the request
  kF,              ///< non-INVITE client: no final answer
  kG,              ///< INVITE server: retransmit the final answer
  kH,              ///< INVITE server: no ACK came
  kI,              ///< INVITE server: wait for retransmitted ACKs
  kJ,              ///< non-INVITE server: wait for retransmitted requests
  kK,              ///< non-INVITE client: wait for retransmitted finals
  kL,              ///< INVITE server: wait for retransmitted INVITEs after a 2xx (RFC 6026)
  kM,              ///< INVITE client: wait for retransmitted 2xx (RFC 6026)
  kC,              ///< proxy core: no final answer to an INVITE (RFC 3261 section 16.6 step 11)
  kNoProvisional,  ///< proxy core: the line has not even said 100
  kRing,           ///< proxy core: the line rings and nobody answers
  kCancelWait,     ///< proxy core: a cancelled line never gave its final answer
  kTrying,         ///< proxy core: a request other than an INVITE has not been answered for so long
};

inline constexpr std::size_t kTimerCount = 17;

/// "A", "B", ...
std::string_view timer_name(Timer timer);

/// RFC 3261 section 17.1.1.1.
struct TransactionTimes {
  Milliseconds t1{500};
  Milliseconds t2{4000};
  Milliseconds t4{5000};
  Milliseconds d{32000};

  Milliseconds t1x64() const { return 64 * t1; }
  /// Until a client has set Timer E to T2: from then on it may, and must, be told 100 (RFC 4320 section 4.1).
  Milliseconds trying() const {
    Milliseconds since{0};
    for (Milliseconds e = t1; e < t2; e *= 2) since += e;
    return since;
  }
};

/// One thing a machine asks for.
struct Action {
  enum class Kind : std::uint8_t {
    kTransmit,          ///< client: send the request (again); server: send the last response (again)
    kAcknowledge,       ///< INVITE client: send the ACK of the final response (again)
    kDeliver,           ///< hand the message on to the proxy core
    kStartTimer,        ///< (re)start `timer` to fire in `after`
    kStopTimer,         ///< stop `timer` if it runs
    kTimeout,           ///< tell the core that the other side never answered
    kTransportFailure,  ///< tell the core that sending failed
    kTerminate,         ///< the transaction is over
  };

  Kind kind = Kind::kTransmit;
  Timer timer = Timer::kA;
  Milliseconds after{0};

  friend bool operator==(const Action&, const Action&) = default;
};

/// The few actions one event leads to, in the order they are to be done. Never more than five.
class Actions {
 public:
  void transmit() { add({Action::Kind::kTransmit, Timer::kA, Milliseconds{0}}); }
  void acknowledge() { add({Action::Kind::kAcknowledge, Timer::kA, Milliseconds{0}}); }
  void deliver() { add({Action::Kind::kDeliver, Timer::kA, Milliseconds{0}}); }
  void start(Timer timer, Milliseconds after) { add({Action::Kind::kStartTimer, timer, after}); }
  void stop(Timer timer) { add({Action::Kind::kStopTimer, timer, Milliseconds{0}}); }
  void timeout() { add({Action::Kind::kTimeout, Timer::kA, Milliseconds{0}}); }
  void transport_failure() { add({Action::Kind::kTransportFailure, Timer::kA, Milliseconds{0}}); }
  void terminate() { add({Action::Kind::kTerminate, Timer::kA, Milliseconds{0}}); }

  const Action* begin() const { return actions_.data(); }
  const Action* end() const { return actions_.data() + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool has(Action::Kind kind) const;

 private:
  void add(Action action) {
    RINGTRACE_ASSERT(size_ < actions_.size());  // a machine's own table is at fault, never a message
    actions_[size_++] = action;
  }

  std::array<Action, 6> actions_{};
  std::size_t size_ = 0;
};

/// "transmit start-G(500) start-H(32000)": for tests and logs.
std::string describe(const Actions& actions);

}  // namespace ringtrace::sip
