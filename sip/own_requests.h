#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sip/call_id.h"
#include "sip/listener.h"
#include "sip/message.h"
#include "sip/non_invite_client_transaction.h"
#include "sip/timer_queue.h"

namespace ringtrace::sip {

class MessageSender;

/// A request of our own, outside any call.
struct OwnRequest {
  std::string method;
  std::string uri;
  std::string from;  ///< a whole header value, tag included
  std::string to;
  std::string call_id;
  std::uint32_t cseq = 1;
  std::vector<std::string> headers;  ///< whole lines, without line ends
};

/// The client of the proxy's own requests (OPTIONS to lines, REGISTER to carriers): runs one non-INVITE
/// transaction each (RFC 3261 section 17.1.2) and hands back the final response.
///
/// SIP thread only; the time is an argument. Bounded: beyond kMaximum requests under way the next one counts
/// as unanswered.
class OwnRequests {
 public:
  static constexpr std::size_t kMaximum = 4096;
  /// The final response; null when none came in time or sending failed.
  using Done = std::function<void(const Message* response)>;

  OwnRequests(MessageSender& sender, std::vector<Listener> listeners, RandomSource random, SteadyTime now);
  ~OwnRequests();

  /// Sends `request` to `hop`; `done` is called once, from receive() or tick(), at the latest after
  /// `patience`.
  void send(const Hop& hop, const OwnRequest& request, Milliseconds patience, Done done, SteadyTime now);
  /// True of a datagram that says it answers one of our own requests: worth parsing whoever sent it.
  static bool seems_answer(std::string_view datagram);
  /// True when the response answers one of these requests (or did, before it was over).
  bool receive(const Message& response);
  /// The transport says that nobody is there.
  void transport_failed(const Hop& hop);
  void tick(SteadyTime now);

  const std::vector<Listener>& listeners() const { return listeners_; }

 private:
  struct Pending;
  enum Timed : std::uint32_t { kRetransmit = 1, kGiveUp = 2 };

  void transmit(Pending& pending);
  void finish(std::uint64_t id, const Message* response);
  void on_timer(std::uint64_t id, std::uint32_t what, SteadyTime now);

  MessageSender& sender_;
  const std::vector<Listener> listeners_;
  const RandomSource random_;
  TimerQueue timers_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Pending>> pending_;
};

}  // namespace ringtrace::sip
