#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "pool/assert.h"
#include "sip/proxy_core.h"
#include "tests/sip/peer_messages.h"

namespace ringtrace::sip::test {

inline const Hop kFuzzTrunk = *Hop::parse("udp:192.0.2.10:5060");
inline const Hop kFuzzLine = *Hop::parse("udp:198.51.100.1:5060");
inline const Hop kFuzzStranger = *Hop::parse("udp:203.0.113.66:5060");

// A proxy core that says what must hold whatever comes in: what it sends is written and addressed, and calls
// go to the configured lines only.
class FuzzWorld final : public MessageSender, public Attribution, public CallSink {
 public:
  FuzzWorld()
      : now{SteadyTime{} + std::chrono::hours(1), WallTime{std::chrono::milliseconds(1'700'000'000'000)}} {
    ProxyConfig config;
    config.listen.emplace_back();
    config.trunks.emplace_back();
    config.trunks.back().name = "carrier";
    config.trunks.back().addresses = {"192.0.2.0/24"};
    config.line_groups.emplace_back();
    config.line_groups.back().name = "office";
    for (const auto* host : {"198.51.100.1", "198.51.100.2"}) {
      config.line_groups.back().lines.emplace_back();
      config.line_groups.back().lines.back().name = host;
      config.line_groups.back().lines.back().host = host;
    }
    config.default_line_group = "office";
    config.headers = {{"x-roistat", "{visit_id}{source}{dialed}{call_id}"}};
    config.signing_key = "0123456789abcdef0123456789abcdef";
    auto routing = Routing::compile(config);
    core = std::make_unique<ProxyCore>(
        *this, *this, *this, stats,
        [this] { return seed_ = seed_ * 6364136223846793005u + 1442695040888963407u; },
        std::vector<Listener>{{Transport::kUdp, *Endpoint::parse("198.18.0.1:5060")}},
        std::get<std::shared_ptr<const Routing>>(routing), now);
  }

  bool send(const Message& message, std::size_t, const Hop& to) override {
    const std::string text = message.to_string();
    RINGTRACE_ASSERT(!text.empty());
    RINGTRACE_ASSERT(to.endpoint.port != 0 && to.endpoint.address.is_unicast());
    const Message sent = Message::parse(text);
    if (sent.is_well_formed() && sent.is_request() && sent.to_tag().empty() &&
        sent.method() == Method::kInvite) {
      RINGTRACE_ASSERT(to.endpoint.port == 5060 &&
                       (to.endpoint.address == *IpAddress::parse("198.51.100.1") ||
                        to.endpoint.address == *IpAddress::parse("198.51.100.2")));
      last_invite = sent;
      last_invite_to = to;
    }
    if (sent.is_well_formed() && !sent.is_request() && sent.status() / 100 == 2 &&
        sent.method() == Method::kInvite) {
      last_success = sent;
    }
    return true;
  }
  bool knows(pool::Number) const override { return true; }
  v1::Resolution attribute(const pool::ResolveQuery&) override {
    v1::Resolution resolution;
    resolution.mutable_visit()->set_visit_id("visit 7\r\nX: y");
    return resolution;
  }
  void record(v1::CallEvent event) override {
    if (event.type() == v1::CALL_EVENT_TYPE_ENDED) ++ended;
  }
  void close_unknown(CallClosing) override {}

  void receive(const Hop& from, std::string_view text) { core->receive_datagram(text, {from, 0, {}}, now); }
  void advance(std::chrono::milliseconds step) {
    now.steady += step;
    now.wall += step;
    core->tick(now);
  }
  // Everything that was begun has an end.
  void check_end() {
    for (int i = 0; i < 64; ++i) advance(std::chrono::minutes(5));
    RINGTRACE_ASSERT(stats.live_transactions == 0);
    RINGTRACE_ASSERT(stats.live_calls == 0);
    RINGTRACE_ASSERT(ended == stats.calls_started);
    RINGTRACE_ASSERT(core->timer_count() == 0);
  }

  Instant now;
  ProxyStats stats;
  std::unique_ptr<ProxyCore> core;
  Message last_invite;
  Hop last_invite_to;
  Message last_success;
  std::uint64_t ended = 0;

 private:
  std::uint64_t seed_ = 1;
};

}  // namespace ringtrace::sip::test
