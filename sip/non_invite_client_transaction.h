#pragma once

#include "sip/endpoint.h"
#include "sip/transaction.h"

namespace ringtrace::sip {

/// The client side of any request but INVITE and ACK: RFC 3261 section 17.1.2.
class NonInviteClientTransaction {
 public:
  enum class State : std::uint8_t { kTrying, kProceeding, kCompleted, kTerminated };

  NonInviteClientTransaction(Transport transport, const TransactionTimes& times)
      : times_(times), reliable_(is_reliable(transport)) {}

  /// Sends the request and starts its timers. Once, first.
  Actions start();
  /// A response with our branch came.
  Actions receive(int status);
  Actions on_timer(Timer timer);
  /// Sending failed, or the transport reported the destination dead.
  Actions transport_error();

  State state() const { return state_; }
  bool is_terminated() const { return state_ == State::kTerminated; }
  bool is_pending() const { return state_ == State::kTrying || state_ == State::kProceeding; }

 private:
  TransactionTimes times_;
  Milliseconds interval_e_{0};
  State state_ = State::kTrying;
  bool reliable_;
};

}  // namespace ringtrace::sip
