#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sip/attribution.h"
#include "sip/call.h"
#include "sip/exchange.h"
#include "sip/listener.h"
#include "sip/message.h"
#include "sip/routing.h"
#include "sip/stats.h"
#include "sip/timer_queue.h"

namespace ringtrace::sip {

/// Where a message came from.
struct Arrival {
  Hop source;
  std::size_t listener = 0;
  std::chrono::nanoseconds waited{0};  ///< between its arrival at this machine and now, as far as known
};

/// What the core sends through; the adapter in the program, a list in tests.
class MessageSender {
 public:
  virtual ~MessageSender() = default;
  /// `message` has been prepared. False when it is certain that it did not leave.
  virtual bool send(const Message& message, std::size_t listener, const Hop& to) = 0;
};

/// What the parts of the proxy core share. SIP thread only, except `stats`.
struct ProxyEnvironment {
  ProxyEnvironment(MessageSender& message_sender, Attribution& attribution_source, CallSink& sink,
                   ProxyStats& proxy_stats, RandomSource random_source, std::vector<Listener> bound,
                   std::shared_ptr<const Routing> first_routing, Instant start);

  bool send(Message& message, std::size_t listener, const Hop& to);
  /// Answers without a transaction: the same request again gets the same answer again.
  void reply(const Message& request, const Arrival& arrival, int status,
             const std::vector<std::string>& extra = {}, std::string_view phrase = {});
  /// The tag of our own answers to this request: the same for its retransmissions, also after a restart.
  std::string local_tag(const Message& request) const;
  /// The listener to reach a hop through: `preferred` if it fits. Nothing when none fits.
  std::optional<std::size_t> listener_for(const Hop& hop, std::size_t preferred) const;
  bool is_own(const Hop& hop) const;
  /// "SIP/2.0/UDP 192.0.2.1:5060;branch=...;rport"
  std::string via_value(std::size_t listener, const std::string& branch) const;
  /// "sip:192.0.2.1:5060;lr" and the ticket's parameters
  std::string record_route_uri(std::size_t listener, const std::string& parameters) const;
  void update_gauges();
  /// A random id; its upper bits tell those of this process from those of an earlier one.
  std::uint64_t exchange_id() const { return life_ << (64 - kLifeBits) | random() >> kLifeBits; }
  bool is_of_this_life(std::uint64_t exchange_id) const { return exchange_id >> (64 - kLifeBits) == life_; }

  MessageSender& sender;
  Attribution& attribution;
  ProxyStats& stats;
  RandomSource random;
  std::vector<Listener> listeners;
  std::shared_ptr<const Routing> routing;
  TimerQueue timers;
  CallBook calls;
  ExchangeTable exchanges;
  TransactionTimes times;
  Instant now;
  bool draining = false;

 private:
  static constexpr unsigned kLifeBits = 16;
  const std::uint64_t life_;
};

}  // namespace ringtrace::sip
