#pragma once

#include "sip/endpoint.h"
#include "sip/transaction.h"

namespace ringtrace::sip {

/// The server side of an INVITE: RFC 3261 section 17.2.1 with the Accepted state of RFC 6026 section 7.1.
///
/// The owner keeps the last response and sends it whenever kTransmit is asked for. A 2xx is not replayed
/// here: the line retransmits it end to end, and the core hands each to respond().
class InviteServerTransaction {
 public:
  enum class State : std::uint8_t { kProceeding, kCompleted, kConfirmed, kAccepted, kTerminated };

  InviteServerTransaction(Transport transport, const TransactionTimes& times)
      : times_(times), reliable_(is_reliable(transport)) {}

  /// The same INVITE again.
  Actions receive_invite();
  /// An ACK with the INVITE's branch.
  Actions receive_ack();
  /// The core answers with `status`, 100..699. Actions hold kTransmit exactly when it is to be sent.
  Actions respond(int status);
  Actions on_timer(Timer timer);

  State state() const { return state_; }
  bool is_terminated() const { return state_ == State::kTerminated; }
  /// A final answer has been given.
  bool is_answered() const { return state_ != State::kProceeding; }
  /// Answered, and its answer has arrived or is not this machine's to repeat.
  bool is_settled() const { return is_answered() && state_ != State::kCompleted; }

 private:
  TransactionTimes times_;
  Milliseconds interval_g_{0};
  State state_ = State::kProceeding;
  bool reliable_;
  bool has_response_ = false;
};

}  // namespace ringtrace::sip
