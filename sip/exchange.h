#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "sip/asserted_identity.h"
#include "sip/call.h"
#include "sip/invite_client_transaction.h"
#include "sip/invite_server_transaction.h"
#include "sip/message.h"
#include "sip/non_invite_client_transaction.h"
#include "sip/non_invite_server_transaction.h"
#include "sip/route_ticket.h"
#include "sip/routing.h"

namespace ringtrace::sip {

/// One attempt to forward a request: the client side.
struct Branch {
  using Machine = std::variant<InviteClientTransaction, NonInviteClientTransaction>;
  explicit Branch(Machine machine) : transaction(machine) {}

  Machine transaction;
  Message request;  ///< as sent; dropped when nothing can be made of it any more
  std::string ack;  ///< of the final answer, for replay: text, because it waits half a minute
  Hop hop;
  std::size_t listener = 0;
  std::string via_branch;
  Trust trust;            ///< of the request's sides
  bool given_up = false;  ///< silent or ringing too long: another line has been tried
  bool ringing = false;
  bool cancel_wanted = false;  ///< CANCEL as soon as a provisional answer allows it
  std::optional<NonInviteClientTransaction> cancel;
  Message cancel_request;

  InviteClientTransaction* invite() { return std::get_if<InviteClientTransaction>(&transaction); }
  bool is_pending() const;
  bool is_over() const;
};

/// What only the INVITE of a new call has.
struct CallSetup {
  CallId call;
  Message prepared;  ///< the INVITE with all that is the same for every line
  std::string user;  ///< of the Request-URI, for the lines
  std::string caller_tag;
  bool caller_is_withheld = false;
  LineChoice choice;
  std::size_t next_line = 0;
};

/// What only a request inside a dialog has: where its Route leads, and what tells the call that it may end.
struct DialogPart {
  VerifiedTicket ticket;
  std::string call_id;
  std::string caller_tag;
  std::string line_tag;
};

inline constexpr std::uint8_t kServerSlot = 0;
inline constexpr std::uint8_t kFirstCancelSlot = 128;

/// One request on its way through the proxy: its server transaction and the attempts to forward it, RFC
/// 3261's response context (section 16).
struct Exchange {
  using Machine = std::variant<InviteServerTransaction, NonInviteServerTransaction>;
  explicit Exchange(Machine machine) : server(machine) {}

  std::uint64_t id = 0;
  std::string key;  ///< in ExchangeTable
  Method method = Method::kOther;
  Machine server;
  Message request;            ///< as received; dropped when answered
  std::string last_response;  ///< for replay: text, because it waits half a minute
  Hop source;
  std::size_t listener = 0;
  std::shared_ptr<const Routing> routing;
  std::list<Branch> branches;  ///< a list: references survive the next attempt
  std::uint64_t loop = 0;
  Instant received;
  SteadyTime last_replay{};  ///< when a retransmission was last answered

  // Until it is settled: for half a minute of what may come again a few bytes are enough.
  std::unique_ptr<CallSetup> setup;       ///< the INVITE of a new call
  std::unique_ptr<DialogPart> in_dialog;  ///< anything later

  int best_status = 0;  ///< of the failed attempts; 0: none failed yet
  Message best_response;
  bool cancelled = false;       ///< by the caller
  bool ring_timed_out = false;  ///< by us
  bool accepted = false;        ///< a 2xx went to the caller

  struct RunningTimer {
    std::uint8_t slot;
    Timer timer;
    TimerQueue::Id id;
  };
  std::vector<RunningTimer> timers;

  std::optional<SteadyTime> settled_at;
  std::list<std::uint64_t>::iterator place;  ///< in ExchangeTable's order

  InviteServerTransaction* invite_server() { return std::get_if<InviteServerTransaction>(&server); }
  bool is_answered() const;  ///< a final answer has been given
  bool is_settled() const;   ///< only what may come again is waited for
  bool is_over() const;      ///< nothing can happen any more
  /// The timers of the server side have slot 0, those of an attempt, and of its CANCEL, these.
  std::uint8_t slot_of(const Branch& branch) const;
  /// The attempt with this slot; null for any other slot.
  Branch* branch_of(std::uint8_t slot);
  std::uint8_t cancel_slot_of(const Branch& branch) const;
};

/// The key that finds the exchange of a request (RFC 3261 section 17.2.3): branch, sent-by and method, and
/// what RFC 2543 compared where the branch is not RFC 3261's; an ACK or CANCEL finds its INVITE's.
std::string exchange_key(const Message& request, Method method);

/// All live exchanges. SIP thread only; the owner watches the size.
class ExchangeTable {
 public:
  Exchange& add(std::unique_ptr<Exchange> exchange);
  Exchange* find(std::uint64_t id);
  Exchange* find(std::string_view key);
  void erase(std::uint64_t id);
  /// Notes that it is settled, if it is and was not before; then nothing is known of its call any more.
  void note_settled(Exchange& exchange, SteadyTime now);
  /// Of the settled ones that which has been so for longest; null when there is none.
  Exchange* longest_settled();
  std::size_t size() const { return by_id_.size(); }
  /// Some request has not got its final answer yet.
  bool has_unanswered() const;
  /// The ids of all that are not settled, for events that may concern any of them.
  std::vector<std::uint64_t> unsettled() const { return {unsettled_.begin(), unsettled_.end()}; }

 private:
  std::unordered_map<std::uint64_t, std::unique_ptr<Exchange>> by_id_;
  std::unordered_map<std::string_view, Exchange*> by_key_;  ///< by their own keys
  std::list<std::uint64_t> unsettled_;
  std::list<std::uint64_t> settled_;  ///< in the order they settled
};

}  // namespace ringtrace::sip
