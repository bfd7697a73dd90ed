#pragma once

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "redis/options.h"
#include "redis/reply_reader.h"

namespace ringtrace::redis {

/// One socket from connect to close: bytes out, replies in. A new attempt is a new Link, so that nothing of
/// an old socket (a write half done, a reply half read) can reach a new one.
///
/// Internal to the room; io thread only. After `close`, or once `on_closed` is called, no event comes.
class Link : public std::enable_shared_from_this<Link> {
 public:
  struct Events {
    std::function<void()> on_connected;
    std::function<void(Reply)> on_reply;
    std::function<void()> on_written;
    std::function<void(std::string reason)> on_closed;
  };

  Link(boost::asio::io_context& io, std::size_t max_reply_bytes, Events events);

  void connect(const Endpoint& endpoint);

  /// Sends the bytes; one write at a time: not again before `on_written`.
  void write(std::string bytes);
  bool writing() const { return writing_; }

  void close();

 private:
  void connected();
  void read();
  void deliver(std::size_t size);
  void fail(std::string reason);

  boost::asio::generic::stream_protocol::socket socket_;
  boost::asio::ip::tcp::resolver resolver_;
  ReplyReader reader_;
  Events events_;
  bool closed_ = false;
  bool writing_ = false;
  std::string output_;
  // hiredis moves its buffer for each KiB it has read: larger reads cost more than they save.
  std::array<char, 16 * 1024> input_{};
};

}  // namespace ringtrace::redis
