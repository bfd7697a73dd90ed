#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sip/proxy_core.h"
#include "tests/sip/peer_messages.h"

namespace ringtrace::sip::test {

inline const Hop kTrunkHop = *Hop::parse("udp:192.0.2.10:5060");
inline const Hop kLineOne = *Hop::parse("udp:198.51.100.1:5060");
inline const Hop kLineTwo = *Hop::parse("udp:198.51.100.2:5060");
inline const Hop kStranger = *Hop::parse("udp:203.0.113.66:5060");
inline constexpr std::string_view kProxyAddress = "198.18.0.1:5060";

// One message the proxy sent.
struct Sent {
  Hop to;
  Message message;  // parsed again from its text
  std::string text;
};

// A proxy core with nothing real around it: time, network, pools and store are the test's.
class FakeWorld final : public MessageSender, public Attribution, public CallSink {
 public:
  explicit FakeWorld(ProxyConfig config = default_config());

  static ProxyConfig default_config();

  // Hands the text of a message to the proxy as if it came from `from`.
  void receive(const Hop& from, const std::string& text);
  // The same as a datagram that has waited this long to be served.
  void receive_datagram(const Hop& from, const std::string& text, std::chrono::milliseconds waited = {});
  // Lets time pass, ticking as the program does.
  void advance(std::chrono::milliseconds time);
  // A new process on the same address, with the same key and an empty memory.
  void restart();

  // The next message the proxy sent; fails the test when there is none.
  Sent next();
  bool is_quiet() const { return sent_.empty(); }
  std::size_t sent_count() const { return sent_.size(); }
  void forget_sent() { sent_.clear(); }

  std::uint64_t refused(Refusal reason) const {
    return stats.refused[static_cast<std::size_t>(reason)].load();
  }

  bool send(const Message& message, std::size_t listener, const Hop& to) override;
  v1::Resolution attribute(const pool::ResolveQuery& query) override;
  bool knows(pool::Number number) const override { return known.empty() || known.contains(number); }
  void record(const v1::CallEvent& event) override { events.push_back(event); }
  void close_unknown(CallClosing closing) override { closings.push_back(std::move(closing)); }
  void resume(const v1::CallEvent& event) override { resumed.push_back(event); }

  ProxyStats stats;
  std::vector<v1::CallEvent> events;
  std::vector<CallClosing> closings;
  std::vector<v1::CallEvent> resumed;  // of calls of an earlier process, from the answers alone
  std::vector<pool::ResolveQuery> queries;
  std::set<pool::Number> known;  // the pools' numbers; empty: any
  std::vector<Hop> dead;         // sending there fails at once
  v1::Resolution resolution;
  std::unique_ptr<ProxyCore> core;
  Instant now;

 private:
  ProxyConfig config_;
  std::deque<Sent> sent_;
  std::uint64_t seed_ = 1;
};

// Carries a call up to its ACK: returns the INVITE as the line got it and the 200 as the caller got it.
struct Established {
  Sent invited;
  Sent answer;
};
Established establish(FakeWorld& world, const InviteOptions& options = {});

}  // namespace ringtrace::sip::test
