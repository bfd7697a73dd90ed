#pragma once

#include <string>

#include "sip/proxy_environment.h"

namespace ringtrace::sip {

/// Carries requests through: runs the transaction machines of each exchange, tries line after line, chooses
/// the answer for the caller (RFC 3261 sections 16.6 to 16.10). Every public member leaves no finished
/// exchange behind.
class Forwarder {
 public:
  /// RFC 3261 would have a finished exchange wait for 32 s. Almost all that comes again comes within this.
  static constexpr std::chrono::seconds kLeastWait{5};

  explicit Forwarder(ProxyEnvironment& environment) : env_(environment) {}

  /// A new call. `message` has passed all checks; 100 goes back at once.
  void start_call(const Message& message, const Arrival& arrival, const Trunk& trunk);
  /// A request inside a dialog that goes to `next`; `message` is as it is to be forwarded but for Via and
  /// Max-Forwards.
  void start_in_dialog(const Message& original, Message message, const Arrival& arrival,
                       const VerifiedTicket& ticket, const Hop& next);
  /// An ACK to a 2xx: forwarded without any state.
  void forward_ack(Message message, const Arrival& arrival, const Hop& next);

  /// The same request again.
  void retransmitted(Exchange& exchange);
  /// The ACK of an INVITE's final answer. True when it was to one of ours other than 2xx, and ends here.
  bool acknowledged(Exchange& exchange);
  /// The caller's CANCEL, answered already.
  void cancel(Exchange& exchange);
  /// A response whose branch names `exchange`. False when no attempt of it has this branch.
  bool response(Exchange& exchange, const Message& response);
  void on_timer(std::uint64_t owner, std::uint32_t what, TimerQueue::Id id);
  /// The transport says that nobody is there.
  void transport_failed(const Hop& hop);
  /// Forgets the exchange that has waited longest for what may come again, and no less than kLeastWait. False
  /// when there is none.
  bool make_room();

 private:
  /// What a branch's failure is worth to the caller, and what follows.
  void on_invite_response(Exchange& exchange, Branch& branch, const Message& response);
  void on_provisional(Exchange& exchange, Branch& branch, const Message& response);
  void on_success(Exchange& exchange, Branch& branch, const Message& response);
  void on_other_response(Exchange& exchange, const Message& response);
  void branch_failed(Exchange& exchange, Branch& branch, int status, const Message& response);
  void request_unanswered(Exchange& exchange);
  bool try_next_line(Exchange& exchange);
  void give_final(Exchange& exchange);
  void dialog_over(Exchange& exchange, int status);
  void note_refresh(const Exchange& exchange, Message& response);

  Message prepare_invite(const Message& message, const Exchange& exchange, const v1::Resolution& resolution,
                         const std::string& dialed) const;
  bool forward(Exchange& exchange, Message message, const Hop& next);
  void cancel_branch(Exchange& exchange, Branch& branch);
  void send_cancel(Exchange& exchange, Branch& branch);

  std::unique_ptr<Exchange> new_exchange(const Message& message, const Arrival& arrival);
  void respond(Exchange& exchange, const Message& response);
  /// Sends again what was kept as text; nothing for no text.
  void replay(const std::string& text, std::size_t listener, const Hop& to);
  /// `again`: the last response is to be replayed; else it has just been sent.
  void perform_server(Exchange& exchange, const Actions& actions, bool again);
  /// False when the request could not be sent and the branch has failed.
  bool perform_client(Exchange& exchange, Branch& branch, const Actions& actions, const Message& response,
                      bool again);
  void perform_cancel(Exchange& exchange, Branch& branch, const Actions& actions);
  void start_timer(Exchange& exchange, std::uint8_t slot, Timer timer, Milliseconds after);
  void stop_timer(Exchange& exchange, std::uint8_t slot, Timer timer);
  void core_timer(Exchange& exchange, Branch& branch, Timer timer);
  void sweep(Exchange& exchange);
  void forget(Exchange& exchange);

  ProxyEnvironment& env_;
};

}  // namespace ringtrace::sip
