#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "sip/config.h"
#include "sip/proxy_environment.h"

namespace ringtrace::sip {

/// The one adapter around sofia-sip: its event loop and its transports (UDP, TCP, TLS), nothing of its
/// agents, legs and transactions. sofia-sip parses and frames what arrives and hands everything on, broken
/// messages and transport errors included.
///
/// All members belong to the thread that constructed it, except post().
class SipLoop final : public MessageSender {
 public:
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_message(Message message, const Arrival& arrival) = 0;
    virtual void on_garbage() = 0;
    virtual void on_transport_failed(const Hop& hop) = 0;
    virtual void on_tick() = 0;  ///< every TimerQueue::kTick
  };

  static constexpr std::size_t kMaximumPosted = 1024;

  explicit SipLoop(Handler& handler);
  ~SipLoop() override;

  /// Binds the sockets. The error names the address, such as "udp 127.0.0.1:5060: Address already in use".
  std::variant<std::vector<Listener>, std::string> open(const std::vector<ListenConfig>& listen,
                                                        const TlsConfig& tls, std::size_t message_bytes);
  /// Runs until leave().
  void run();
  void leave();
  /// Gives everything back; afterwards only post(), which refuses, and the destructor, from any thread.
  void close();

  /// Any thread: runs `command` on the loop's thread soon. False when kMaximumPosted commands wait, or it
  /// ends.
  bool post(std::function<void()> command);

  bool send(const Message& message, std::size_t listener, const Hop& to) override;

 private:
  struct Sofia;
  std::unique_ptr<Sofia> sofia_;
};

}  // namespace ringtrace::sip
