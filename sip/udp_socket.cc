#include "sip/udp_socket.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace ringtrace::sip {
namespace {

constexpr int kSocketBuffer = 8 << 20;
constexpr std::size_t kBatch = 32;
// The payload of the largest UDP datagram over IPv4, the smaller one.
constexpr std::size_t kMaximumSent = 65'507;

socklen_t write_address(const Endpoint& endpoint, sockaddr_storage& storage) {
  if (endpoint.address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4 = {};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.bytes().data(), sizeof v4.sin_addr);
    return sizeof v4;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  std::memcpy(&v6.sin6_addr, endpoint.address.bytes().data(), sizeof v6.sin6_addr);
  return sizeof v6;
}

std::optional<Endpoint> read_address(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return Endpoint{IpAddress::v4(bytes), ntohs(v4.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return Endpoint{IpAddress::v6(bytes), ntohs(v6.sin6_port)};
  }
  return std::nullopt;
}

std::chrono::nanoseconds since_epoch(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::chrono::nanoseconds waited_since(msghdr& header) {
  // A step of the wall clock must not look like a day in the queue.
  constexpr std::chrono::seconds kCredible{10};
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SO_TIMESTAMPNS) continue;
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(item), sizeof stamp);
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const auto waited = since_epoch(now) - since_epoch(stamp);
    return waited > kCredible ? std::chrono::nanoseconds{0} : std::max(waited, std::chrono::nanoseconds{0});
  }
  return std::chrono::nanoseconds{0};
}

}  // namespace

struct UdpSocket::Batch {
  struct Slot {
    sockaddr_storage source;
    alignas(cmsghdr) std::array<char, 128> control;
    iovec buffer;
  };
  std::vector<char> bytes = std::vector<char>(kBatch * kMaximumBytes);
  std::array<Slot, kBatch> slots{};
  std::array<mmsghdr, kBatch> headers{};

  // Makes the first `count` ready for another read: all at first, then those that the last one has filled.
  void reset(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Slot& slot = slots[i];
      slot.buffer = {bytes.data() + i * kMaximumBytes, kMaximumBytes};
      msghdr& header = headers[i].msg_hdr;
      header = {};
      header.msg_name = &slot.source;
      header.msg_namelen = sizeof slot.source;
      header.msg_iov = &slot.buffer;
      header.msg_iovlen = 1;
      header.msg_control = slot.control.data();
      header.msg_controllen = slot.control.size();
    }
  }
};

struct UdpSocket::Outgoing {
  struct Slot {
    std::string text;  // keeps its room from one datagram to the next
    Endpoint to;
    sockaddr_storage address;
    iovec buffer;
  };
  std::array<Slot, kBatch> slots;
  std::array<mmsghdr, kBatch> headers{};
  std::size_t size = 0;
  std::vector<Endpoint> failed;
};

UdpSocket::UdpSocket() : batch_(std::make_unique<Batch>()), outgoing_(std::make_unique<Outgoing>()) {
  batch_->reset(kBatch);
}

UdpSocket::~UdpSocket() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool UdpSocket::open(const Endpoint& local) {
  const int family = local.address.is_v4() ? AF_INET : AF_INET6;
  descriptor_ = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) return false;
  const int on = 1;
  // Beyond net.core.rmem_max where we may; a small buffer only shortens the burst that can be taken.
  if (setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBuffer, sizeof kSocketBuffer) != 0)
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &kSocketBuffer, sizeof kSocketBuffer);
  if (setsockopt(descriptor_, SOL_SOCKET, SO_SNDBUFFORCE, &kSocketBuffer, sizeof kSocketBuffer) != 0)
    setsockopt(descriptor_, SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof kSocketBuffer);
  setsockopt(descriptor_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  if (family == AF_INET) {
    setsockopt(descriptor_, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
  } else {
    setsockopt(descriptor_, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    setsockopt(descriptor_, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  sockaddr_storage address{};
  socklen_t size = write_address(local, address);
  if (bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), size) != 0) return false;
  size = sizeof address;
  if (getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  const auto bound = read_address(address);
  port_ = bound ? bound->port : std::uint16_t{0};
  return true;
}

std::size_t UdpSocket::receive(std::size_t limit, const std::function<void(const Datagram&)>& take) {
  std::size_t total = 0;
  while (total < limit) {
    const int count = recvmmsg(descriptor_, batch_->headers.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count <= 0) break;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      msghdr& header = batch_->headers[i].msg_hdr;
      const auto source = read_address(batch_->slots[i].source);
      if (!source) continue;
      take({*source,
            {static_cast<const char*>(batch_->slots[i].buffer.iov_base), batch_->headers[i].msg_len},
            waited_since(header),
            (header.msg_flags & MSG_TRUNC) == 0});
    }
    batch_->reset(static_cast<std::size_t>(count));
    total += static_cast<std::size_t>(count);
    if (static_cast<std::size_t>(count) < kBatch) break;
  }
  return total;
}

void UdpSocket::receive_errors(const std::function<void(const Endpoint&)>& dead) {
  for (;;) {
    sockaddr_storage destination{};
    std::array<char, 512> control{};
    char payload = 0;
    iovec buffer{&payload, sizeof payload};
    msghdr header{};
    header.msg_name = &destination;
    header.msg_namelen = sizeof destination;
    header.msg_iov = &buffer;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    if (recvmsg(descriptor_, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return;
    for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
      const bool v4 = item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_RECVERR;
      const bool v6 = item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_RECVERR;
      if (!v4 && !v6) continue;
      sock_extended_err error{};
      std::memcpy(&error, CMSG_DATA(item), sizeof error);
      // A datagram too large for the path is no dead peer; the kernel fragments the next one.
      if (error.ee_errno == EMSGSIZE) continue;
      if (const auto peer = read_address(destination)) dead(*peer);
    }
  }
}

bool UdpSocket::send(const Message& message, const Endpoint& to) {
  const std::string_view text = message.text();
  if (text.size() > kMaximumSent) return false;
  if (outgoing_->size == kBatch) send_waiting();
  Outgoing::Slot& slot = outgoing_->slots[outgoing_->size];
  slot.text.assign(text);
  slot.to = to;
  slot.buffer = {slot.text.data(), slot.text.size()};
  msghdr& header = outgoing_->headers[outgoing_->size].msg_hdr;
  header = {};
  header.msg_name = &slot.address;
  header.msg_namelen = write_address(to, slot.address);
  header.msg_iov = &slot.buffer;
  header.msg_iovlen = 1;
  ++outgoing_->size;
  return true;
}

void UdpSocket::flush(const std::function<void(const Endpoint&)>& dead) {
  send_waiting();
  for (const Endpoint& to : std::exchange(outgoing_->failed, {})) dead(to);
}

void UdpSocket::send_waiting() {
  constexpr unsigned kAttempts = 3;
  unsigned attempts = 0;
  for (std::size_t sent = 0; sent < outgoing_->size;) {
    const int count = sendmmsg(descriptor_, &outgoing_->headers[sent],
                               static_cast<unsigned>(outgoing_->size - sent), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      attempts = 0;
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) break;
    // The network's word on an earlier datagram, perhaps to somebody else, is handed out here; asking again
    // sends. What it was about stands in the error queue.
    const bool earlier =
        errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH || errno == EINTR;
    if (earlier && ++attempts < kAttempts) continue;
    outgoing_->failed.push_back(outgoing_->slots[sent].to);
    ++sent;
    attempts = 0;
  }
  outgoing_->size = 0;
}

}  // namespace ringtrace::sip
