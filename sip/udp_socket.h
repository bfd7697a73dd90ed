#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "sip/endpoint.h"
#include "sip/message.h"

namespace ringtrace::sip {

/// One bound, non-blocking UDP socket. It reads and sends many datagrams with one system call, tells how long
/// each has waited in the kernel, and reports destinations that the network says nobody is at. One thread.
class UdpSocket {
 public:
  struct Datagram {
    Endpoint source;
    std::string_view bytes;           ///< valid during the callback
    std::chrono::nanoseconds waited;  ///< since the kernel got it; at least 0
    bool whole = true;                ///< false: it was larger than kMaximumBytes and is cut off
  };

  static constexpr std::size_t kMaximumBytes = 65'535;

  UdpSocket();
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  /// Binds; port 0 takes any. False with errno set.
  bool open(const Endpoint& local);
  int descriptor() const { return descriptor_; }
  std::uint16_t port() const { return port_; }

  /// Hands on what has come, at most about `limit` datagrams. Returns how many.
  std::size_t receive(std::size_t limit, const std::function<void(const Datagram&)>& take);
  /// Hands on destinations that were found dead since the last call.
  void receive_errors(const std::function<void(const Endpoint&)>& dead);

  /// Has `message`, which has been prepared, leave with flush(), or before it when many wait. False when it
  /// is too large for a datagram.
  bool send(const Message& message, const Endpoint& to);
  /// Lets go what waits, in order, and hands on the destinations that it cannot be sent to. A full send
  /// buffer counts as sent: UDP may lose anything, and the transactions send again.
  void flush(const std::function<void(const Endpoint&)>& dead);

 private:
  struct Batch;
  struct Outgoing;
  /// Sends the waiting ones; those that cannot be sent are noted.
  void send_waiting();

  int descriptor_ = -1;
  std::uint16_t port_ = 0;
  std::unique_ptr<Batch> batch_;
  std::unique_ptr<Outgoing> outgoing_;
};

}  // namespace ringtrace::sip
