#pragma once

#include <memory>
#include <vector>

#include "sip/earlier_calls.h"
#include "sip/forwarder.h"
#include "sip/overload.h"
#include "sip/proxy_environment.h"
#include "sip/rate_limiter.h"

namespace ringtrace::sip {

/// The proxy without sockets, threads or clocks: messages and the time come in, messages go out through a
/// MessageSender, events through a CallSink. Decides what each message is and who handles it (RFC 3261
/// section 16).
///
/// One thread. All time is an argument, so that whole calls run under virtual time.
class ProxyCore {
 public:
  ProxyCore(MessageSender& sender, Attribution& attribution, CallSink& sink, ProxyStats& stats,
            RandomSource random, std::vector<Listener> listeners, std::shared_ptr<const Routing> routing,
            Instant now);

  /// Anything that arrived. Nothing in it can do more than be refused and counted. False for a stranger,
  /// whose connection, if it has one, deserves to be closed.
  bool receive(Message message, const Arrival& arrival, Instant now);
  /// The same of a datagram's text: strangers, overload and what cannot be read cost no parsing.
  void receive_datagram(std::string_view text, const Arrival& arrival, Instant now);
  /// The text is a request for a new call: what is to wait while everything else is served.
  static bool is_new_call(std::string_view text);
  /// A new call was dropped unseen, because too many were waiting.
  void dropped_new_call() { env_.stats.refuse(Refusal::kQueueFull); }
  /// Nobody is there, says the transport. Acted upon at the next tick.
  void transport_failed(const Hop& hop);
  /// Does what is due; to be called again at next_tick(), or a TimerQueue::kTick later.
  void tick(Instant now);
  SteadyTime next_tick() const;
  /// Calls under way keep the routing they began with.
  void reload(std::shared_ptr<const Routing> routing);
  /// From now on new calls get 503; what is under way goes on.
  void drain();
  /// No request is on its way through. Answered calls do not count: they go on without us.
  bool is_idle() const;
  /// The timers that run; for tests.
  std::size_t timer_count() const { return env_.timers.size(); }

 private:
  static constexpr std::size_t kMaximumFailedHops =
      256;  ///< a tick; further ones are found out by the timers

  void receive_request(Message request, Arrival arrival);
  void receive_response(const Message& response, const Arrival& arrival);
  void receive_ack(const Message& ack, const Arrival& arrival);
  void answer_ping(const Message& options, const Arrival& arrival);
  void receive_cancel(const Message& cancel, const Arrival& arrival);
  void receive_new_call(const Message& invite, const Arrival& arrival);
  /// True when the request is one of a dialog of ours, or claims to be, and has been dealt with.
  bool receive_in_dialog(const Message& request, const Arrival& arrival);

  struct Onward;  ///< an in-dialog request and where it goes
  std::optional<Onward> route_in_dialog(const Message& request, const Arrival& arrival);
  std::optional<VerifiedTicket> ticket_of(const UriView& uri, const Message& request) const;
  bool is_known(const Message& request, const IpAddress& address) const;
  bool is_configured(const IpAddress& address) const;
  /// Why a new call is not taken now; nothing when it is.
  std::optional<Refusal> find_limit(const Message& invite, const IpAddress& source, const Trunk& trunk);

  void reject_unread(std::string_view text, const Defect& defect, const Arrival& arrival);
  bool refuse_unread(std::string_view text, const Arrival& arrival);

  void refuse(const Message& request, const Arrival& arrival, Refusal reason, int status,
              const std::vector<std::string>& headers = {}, std::string_view phrase = {});
  void forward_stateless(const ViaBranch& branch, const Message& response, const Arrival& arrival);

  ProxyEnvironment env_;
  Forwarder forwarder_;
  EarlierCalls earlier_;
  OverloadControl overload_;
  RateLimiter source_rate_;
  RateLimiter number_rate_;
  /// Looking through all exchanges for a dead hop is dear; a dead line reports itself with every packet.
  static constexpr std::chrono::milliseconds kFailureInterval{100};
  std::vector<Hop> failed_hops_;
  SteadyTime next_failure_run_{};
};

}  // namespace ringtrace::sip
