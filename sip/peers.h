#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sip/dns_client.h"
#include "sip/line_health.h"
#include "sip/name_cache.h"
#include "sip/own_requests.h"
#include "sip/peer_report.h"
#include "sip/registration.h"
#include "sip/routing.h"

namespace ringtrace::sip {

/// What the proxy knows of its peers beyond the configuration, and what it does to know it: asks DNS for
/// names and lines for their health, keeps accounts registered, and reports on all of it. SIP thread only.
class Peers {
 public:
  /// Runs a command on the SIP thread; false when it cannot be taken.
  using Post = std::function<bool(std::function<void()>)>;

  Peers(MessageSender& sender, std::vector<Listener> listeners, RandomSource random, Post post,
        PeerBoard& board, SteadyTime now);
  ~Peers();

  /// Takes over trunks, lines and DNS servers. Registrations whose account has not changed go on.
  void configure(const ProxyConfig& config, SteadyTime now);
  /// True when the response was to a request of its own.
  bool receive(const Message& response) { return requests_.receive(response); }
  void transport_failed(const Hop& hop, SteadyTime now);
  /// To be called often. True when reachability() has changed since the last call.
  bool tick(SteadyTime now);

  const Reachability& reachability() const { return known_; }
  /// The names by which the configuration knows peers that speak TLS, by their places: those asked for, not
  /// those their SRV records lead to (RFC 5922 section 4).
  std::map<Endpoint, std::vector<std::string>> names() const;

 private:
  struct Account {
    std::unique_ptr<Registration> registration;
    std::string contact_user;
  };

  std::vector<Hop> places_of(const std::vector<Target>& targets) const;
  std::string contact_at(const Hop& hop) const;
  void watch_lines(SteadyTime now);
  void ask_names(SteadyTime now);
  void ask_lines(SteadyTime now);
  void register_accounts(SteadyTime now);
  void publish(SteadyTime now);

  const RandomSource random_;
  const Post post_;
  PeerBoard& board_;
  OwnRequests requests_;
  NameCache names_;
  LineHealth health_;
  std::unique_ptr<DnsClient> dns_;
  std::vector<std::string> dns_servers_;
  ProxyConfig config_;
  std::map<std::string, Account> accounts_;  ///< by trunk
  Reachability known_;
  bool changed_ = false;
  SteadyTime now_{};
  SteadyTime next_report_{};
  /// Answers that come after this object's end find it gone.
  std::shared_ptr<Peers*> self_;
};

}  // namespace ringtrace::sip
