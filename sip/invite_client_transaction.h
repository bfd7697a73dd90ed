#pragma once

#include "sip/endpoint.h"
#include "sip/transaction.h"

namespace ringtrace::sip {

/// The client side of an INVITE: RFC 3261 section 17.1.1 with the Accepted state of RFC 6026 section 7.2.
class InviteClientTransaction {
 public:
  enum class State : std::uint8_t { kCalling, kProceeding, kCompleted, kAccepted, kTerminated };

  InviteClientTransaction(Transport transport, const TransactionTimes& times)
      : times_(times), reliable_(is_reliable(transport)) {}

  /// Sends the request and starts its timers. Once, first.
  Actions start();
  /// A response with our branch came.
  Actions receive(int status);
  Actions on_timer(Timer timer);
  /// Sending failed, or the transport reported the destination dead.
  Actions transport_error();
  /// The core waits no longer for a final answer (a CANCEL that led to nothing, RFC 3261 section 9.1).
  Actions abandon();

  State state() const { return state_; }
  bool is_terminated() const { return state_ == State::kTerminated; }
  /// No final answer yet.
  bool is_pending() const { return state_ == State::kCalling || state_ == State::kProceeding; }
  /// A provisional answer came and no final one: the state in which a CANCEL may be sent (RFC 3261
  /// section 9.1).
  bool is_proceeding() const { return state_ == State::kProceeding; }

 private:
  TransactionTimes times_;
  Milliseconds interval_a_{0};
  State state_ = State::kCalling;
  bool reliable_;
};

}  // namespace ringtrace::sip
