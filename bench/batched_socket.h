#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringtrace::bench {

/// A UDP socket at a port of 127.0.0.1 whose messages leave, and are read, many with one system call. One
/// thread.
class BatchedSocket {
 public:
  /// Messages of one system call at most.
  static constexpr std::size_t kBatch = 64;

  /// Port 0 takes any.
  explicit BatchedSocket(std::uint16_t port) : descriptor_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE})
      setsockopt(descriptor_, SOL_SOCKET, option, &kSocketBuffer, sizeof kSocketBuffer);
    sockaddr_in address = loopback(port);
    socklen_t size = sizeof address;
    if (bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size) != 0) {
      std::perror("sip_flood: bind");
      std::exit(1);
    }
    getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~BatchedSocket() { close(descriptor_); }
  BatchedSocket(const BatchedSocket&) = delete;
  BatchedSocket& operator=(const BatchedSocket&) = delete;

  int descriptor() const { return descriptor_; }
  std::uint16_t port() const { return port_; }

  void send(std::string text, std::uint16_t to) {
    if (waiting_ == kBatch) flush();
    out_[waiting_] = std::move(text);
    to_[waiting_] = loopback(to);
    ++waiting_;
  }

  void flush() {
    std::array<iovec, kBatch> parts{};
    std::array<mmsghdr, kBatch> headers{};
    for (std::size_t i = 0; i < waiting_; ++i) {
      parts[i] = {out_[i].data(), out_[i].size()};
      headers[i].msg_hdr = {&to_[i], sizeof to_[i], &parts[i], 1, nullptr, 0, 0};
    }
    for (std::size_t sent = 0; sent < waiting_;) {
      const int count = sendmmsg(descriptor_, &headers[sent], static_cast<unsigned>(waiting_ - sent), 0);
      if (count <= 0) break;  // lost, as UDP may
      sent += static_cast<std::size_t>(count);
    }
    waiting_ = 0;
  }

  /// Hands on what has come, a batch; false when there was nothing.
  template <typename Take>
  bool receive(const Take& take) {
    std::array<iovec, kBatch> parts{};
    std::array<mmsghdr, kBatch> headers{};
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {&in_[i * kMaxMessage], kMaxMessage};
      headers[i].msg_hdr = {&from_[i], sizeof from_[i], &parts[i], 1, nullptr, 0, 0};
    }
    const int count = recvmmsg(descriptor_, headers.data(), kBatch, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      take(std::string_view(&in_[at * kMaxMessage], headers[at].msg_len), ntohs(from_[at].sin_port));
    }
    return count > 0;
  }

 private:
  static constexpr std::size_t kMaxMessage = 4096;
  static constexpr int kSocketBuffer = 8 << 20;

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  int descriptor_;
  std::uint16_t port_ = 0;
  std::array<std::string, kBatch> out_;
  std::array<sockaddr_in, kBatch> to_{};
  std::array<sockaddr_in, kBatch> from_{};
  std::size_t waiting_ = 0;
  std::vector<char> in_ = std::vector<char>(kBatch * kMaxMessage);
};

}  // namespace ringtrace::bench
