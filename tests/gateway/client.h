#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <string>
#include <string_view>

#include "gateway/config_values.h"

namespace ringtrace::gateway {

/// A plain TCP connection whose reads end after five seconds.
class Client {
 public:
  explicit Client(const Endpoint& to) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{5, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    inet_pton(AF_INET, to.host.c_str(), &address.sin_addr);
    REQUIRE(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool send(std::string_view bytes) const {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }

  /// All bytes until the other side closes; "(timeout)" at the end when it does not.
  std::string read_all() const {
    std::string result;
    char buffer[4096];
    for (;;) {
      const ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return result + "(timeout)";
      if (count <= 0) return result;
      result.append(buffer, static_cast<std::size_t>(count));
    }
  }

  std::string read_until(std::string_view end) const {
    std::string result;
    char byte = 0;
    while (!result.ends_with(end) && recv(socket_, &byte, 1, 0) == 1) result += byte;
    return result;
  }

 private:
  int socket_;
};

/// The answer to GET `path`, head and body.
inline std::string http_get(const Endpoint& from, const std::string& path) {
  const Client client(from);
  client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  return client.read_all();
}

}  // namespace ringtrace::gateway
