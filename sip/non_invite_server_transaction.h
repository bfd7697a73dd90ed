#pragma once

#include "sip/endpoint.h"
#include "sip/transaction.h"

namespace ringtrace::sip {

/// The server side of any request but INVITE and ACK: RFC 3261 section 17.2.2.
class NonInviteServerTransaction {
 public:
  enum class State : std::uint8_t { kTrying, kProceeding, kCompleted, kTerminated };

  NonInviteServerTransaction(Transport transport, const TransactionTimes& times)
      : times_(times), reliable_(is_reliable(transport)) {}

  /// The same request again.
  Actions receive_request();
  /// The core answers with `status`, 101..699. Actions hold kTransmit exactly when it is to be sent.
  Actions respond(int status);
  Actions on_timer(Timer timer);
  /// Nobody will answer (RFC 4320 section 4.2: no 408 to a non-INVITE); the transaction just ends.
  Actions abandon();

  State state() const { return state_; }
  bool is_terminated() const { return state_ == State::kTerminated; }
  bool is_answered() const { return state_ == State::kCompleted || state_ == State::kTerminated; }
  bool is_settled() const { return is_answered(); }

 private:
  TransactionTimes times_;
  State state_ = State::kTrying;
  bool reliable_;
};

}  // namespace ringtrace::sip
