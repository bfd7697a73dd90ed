#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <string>

#include "tests/redis/support.h"

namespace ringtrace::test {

/// A TCP server that answers whatever it is sent with the same bytes, and counts who comes.
class FakeServer {
 public:
  explicit FakeServer(std::string answer)
      : answer_(std::move(answer)),
        acceptor_(loop_.io(), {boost::asio::ip::address_v4::loopback(), 0}),
        port_(acceptor_.local_endpoint().port()) {
    accept();
  }
  ~FakeServer() { loop_.stop(); }

  redis::Endpoint endpoint() const { return {{}, "127.0.0.1", port_}; }

 private:
  struct Peer {
    explicit Peer(boost::asio::ip::tcp::socket with) : socket(std::move(with)) {}
    boost::asio::ip::tcp::socket socket;
    std::array<char, 4096> input{};
  };

  void accept() {
    acceptor_.async_accept(
        [this](const boost::system::error_code& error, boost::asio::ip::tcp::socket socket) {
          if (error) return;
          serve(std::make_shared<Peer>(std::move(socket)));
          accept();
        });
  }

  void serve(const std::shared_ptr<Peer>& peer) {
    peer->socket.async_read_some(boost::asio::buffer(peer->input),
                                 [this, peer](const boost::system::error_code& error, std::size_t) {
                                   if (error) return;
                                   boost::system::error_code ignored;
                                   boost::asio::write(peer->socket, boost::asio::buffer(answer_), ignored);
                                   serve(peer);
                                 });
  }

  const std::string answer_;
  Loop loop_;
  boost::asio::ip::tcp::acceptor acceptor_;
  const std::uint16_t port_;
};

}  // namespace ringtrace::test
