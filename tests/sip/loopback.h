#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "sip/attribution.h"
#include "sip/call_sink.h"
#include "sip/config.h"

namespace ringtrace::sip::test {

// A socket on 127.0.0.1 to speak SIP with: a UDP one bound to a port of its own, or a TCP connection.
class Peer {
 public:
  static Peer udp() {
    Peer peer(SOCK_DGRAM);
    sockaddr_in address = loopback(0);
    REQUIRE(bind(peer.fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return peer;
  }
  static Peer tcp(std::uint16_t port) {
    Peer peer(SOCK_STREAM);
    sockaddr_in address = loopback(port);
    REQUIRE(connect(peer.fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return peer;
  }
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    if (fd_ >= 0) close(fd_);
  }

  std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }

  void send(const std::string& bytes, std::uint16_t port = 0) {
    sockaddr_in address = loopback(port);
    const bool connected = port == 0;
    // A connection that the other side has closed is what some tests wait for.
    (void)sendto(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL,
                 connected ? nullptr : reinterpret_cast<sockaddr*>(&address), connected ? 0 : sizeof address);
  }

  // What comes next; empty when nothing does in this time, or the connection is closed.
  std::string receive(std::chrono::milliseconds patience) {
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(patience.count())) != 1) return {};
    std::string buffer(70'000, '\0');
    const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
    buffer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return buffer;
  }

  // True once the other side has closed the connection; false when it has not in this time.
  bool is_closed_within(std::chrono::milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
      pollfd waiting{fd_, POLLIN, 0};
      if (poll(&waiting, 1, 100) != 1) continue;
      char buffer[4096];
      if (recv(fd_, buffer, sizeof buffer, 0) <= 0) return true;
    }
    return false;
  }

 private:
  explicit Peer(int type) : fd_(socket(AF_INET, type, 0)) { REQUIRE(fd_ >= 0); }
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }
  int fd_;
};

// The world around a real proxy that asks for nothing.
class QuietWorld final : public Attribution, public CallSink {
 public:
  bool knows(pool::Number) const override { return true; }
  v1::Resolution attribute(const pool::ResolveQuery&) override { return {}; }
  void record(const v1::CallEvent&) override {}
  void close_unknown(CallClosing) override {}
  void resume(const v1::CallEvent&) override {}
};

// UDP and TCP on free ports, everybody on this machine a trunk, one line over UDP.
inline ProxyConfig loopback_proxy(std::uint16_t line_port) {
  ProxyConfig config;
  config.listen = {{"127.0.0.1", 0, Transport::kUdp, ""}, {"127.0.0.1", 0, Transport::kTcp, ""}};
  config.trunks.emplace_back();
  config.trunks.back().name = "carrier";
  config.trunks.back().addresses = {"127.0.0.0/8"};
  config.line_groups.emplace_back();
  config.line_groups.back().name = "office";
  config.line_groups.back().lines.emplace_back();
  config.line_groups.back().lines.back().name = "desk";
  config.line_groups.back().lines.back().host = "127.0.0.1";
  config.line_groups.back().lines.back().port = line_port;
  config.default_line_group = "office";
  config.signing_key = "0123456789abcdef0123456789abcdef";
  return config;
}

// An OPTIONS request; each number a different one.
inline std::string ping(int number) {
  const std::string id = std::to_string(number);
  return "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-ping-" + id +
         ";rport\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: ping-" + id +
         "\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace ringtrace::sip::test
