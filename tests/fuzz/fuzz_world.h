#pragma once

#include <set>
#include <string>
#include <string_view>

#include "pool/assert.h"
#include "tests/sip/peer_messages.h"
#include "tests/sip/quiet_world.h"

namespace ringtrace::sip::test {

inline const Hop kFuzzTrunk = *Hop::parse("udp:192.0.2.10:5060");
inline const Hop kFuzzLine = *Hop::parse("udp:198.51.100.1:5060");
inline const Hop kFuzzStranger = *Hop::parse("udp:203.0.113.66:5060");

// A proxy core that says what must hold whatever comes in: what it sends is written and addressed, and calls
// go to the configured lines only.
class FuzzWorld final : public QuietWorld {
 public:
  FuzzWorld() : QuietWorld(fuzz_config()) { resolution.mutable_visit()->set_visit_id("visit 7\r\nX: y"); }

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
  // What an earlier life's call is said to have come to is said once a life, of a call that has a name.
  void resume(const v1::CallEvent& event) override {
    RINGTRACE_ASSERT(!event.event_id().empty() && !event.call().call_id().empty());
    RINGTRACE_ASSERT(event.type() != v1::CALL_EVENT_TYPE_UNSPECIFIED && event.has_event_time());
    RINGTRACE_ASSERT(told_.insert(event.event_id()).second);
  }
  void close_unknown(CallClosing closing) override { RINGTRACE_ASSERT(!closing.call_id.empty()); }
  void die() {
    told_.clear();
    restart();
  }
  // Everything that was begun has an end, unless the process ended before it.
  void check_end() {
    for (int i = 0; i < 64; ++i) advance(std::chrono::minutes(5));
    RINGTRACE_ASSERT(stats.live_transactions == 0);
    RINGTRACE_ASSERT(stats.live_calls == 0);
    RINGTRACE_ASSERT(ended + forgotten == stats.calls_started);
    RINGTRACE_ASSERT(core->timer_count() == 0);
  }

  Message last_invite;
  Hop last_invite_to;
  Message last_success;

 private:
  std::set<std::string> told_;

  static ProxyConfig fuzz_config() {
    ProxyConfig wanted = config({"198.51.100.1", "198.51.100.2"});
    wanted.headers = {{"x-roistat", "{visit_id}{source}{dialed}{call_id}"}};
    return wanted;
  }
};

}  // namespace ringtrace::sip::test
