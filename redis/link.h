#pragma once

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "redis/options.h"
#include "redis/reply_reader.h"

namespace ringtrace::redis {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

/// What the options ask for; none without TLS. Throws boost::system::system_error for a file that cannot be
/// read.
TlsContext make_tls_context(const TlsOptions& options);

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

  /// Speaks TLS when there is a context.
  Link(boost::asio::io_context& io, TlsContext tls, std::size_t max_reply_bytes, Events events);

  void connect(const Endpoint& endpoint);

  /// Sends the bytes; one write at a time: not again before `on_written`.
  void write(std::string bytes);
  bool writing() const { return writing_; }

  void close();

 private:
  void connected(const std::string& host);
  void shake_hands(const std::string& host);
  void opened();
  void read();
  void deliver(std::size_t size);
  void fail(std::string reason);

  using Socket = boost::asio::generic::stream_protocol::socket;

  const TlsContext tls_context_;
  Socket socket_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_;
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
