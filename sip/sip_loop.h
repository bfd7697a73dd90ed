#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sip/config.h"
#include "sip/proxy_environment.h"

namespace ringtrace::sip {

/// The sockets and the event loop: sofia-sip's loop and stream transports (TCP, TLS), nothing of its agents,
/// legs and transactions, and UDP sockets of our own, because one read of ours takes many datagrams and says
/// how long each has waited.
///
/// What comes by UDP is served in two lanes: everything first, requests for new calls after it, so that a
/// flood of these delays nothing else. At most kMaximumWaiting of them wait; further ones are dropped.
///
/// All members belong to the thread that constructed it, except post().
class SipLoop final : public MessageSender {
 public:
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_datagram(std::string_view text, const Arrival& arrival) = 0;
    /// Belongs into the second lane.
    virtual bool is_new_call(std::string_view text) = 0;
    /// One was dropped, because the second lane is full.
    virtual void on_dropped_new_call() = 0;
    /// From a stream, broken ones included. False: its sender is nobody to us, and the connection is closed.
    virtual bool on_message(Message message, const Arrival& arrival) = 0;
    virtual void on_garbage() = 0;
    /// We close a connection: it is one too many, or a stranger's.
    virtual void on_connection_closed() = 0;
    virtual void on_transport_failed(const Hop& hop) = 0;
    /// A connection of ours was not made: whoever is there is not who should be.
    virtual void on_stranger(const Hop& hop, const std::string& reason) = 0;
    /// Does what is due. When to be called again; after kLongestSleep at the latest, so that no timer started
    /// meanwhile for a later time than that is missed.
    virtual SteadyTime on_tick() = 0;
  };

  using PeerNames = std::map<Endpoint, std::vector<std::string>>;

  static constexpr std::chrono::milliseconds kLongestSleep{100};
  static constexpr std::size_t kMaximumPosted = 1024;
  static constexpr std::size_t kMaximumWaiting = 4096;

  explicit SipLoop(Handler& handler);
  ~SipLoop() override;

  /// Binds the sockets. The error names the address, such as "udp 127.0.0.1:5060: Address already in use".
  std::variant<std::vector<Listener>, std::string> open(const std::vector<ListenConfig>& listen,
                                                        const TlsConfig& tls, const ProxyLimits& limits);
  /// Runs until leave().
  void run();
  void leave();
  /// Gives everything back; afterwards only post(), which refuses, and the destructor, from any thread.
  void close();

  /// Any thread: runs `command` on the loop's thread soon. False when kMaximumPosted commands wait, or it
  /// ends.
  bool post(std::function<void()> command);

  /// By which names the peers at these places are known; one that is not among them, by its address. What a
  /// certificate must say when lines are verified.
  void expect(PeerNames names);

  /// Something is to be done that does not wait for kLongestSleep: on_tick() comes within a
  /// TimerQueue::kTick.
  void tick_soon();

  bool send(const Message& message, std::size_t listener, const Hop& to) override;

 private:
  struct Sofia;
  std::unique_ptr<Sofia> sofia_;
};

}  // namespace ringtrace::sip
