#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "gateway/config.h"

namespace ringtrace::gateway {

/// What a path answers with.
struct HttpAnswer {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

/// What has happened on the port since start; `open` is now.
struct HttpStats {
  std::uint64_t open = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;    ///< closed at once: too many connections
  std::uint64_t timeouts = 0;   ///< closed: too slow, or idle
  std::uint64_t malformed = 0;  ///< answered with 400, 413 or 431
  std::uint64_t answers = 0;
};

struct HttpShared;

/// A small HTTP/1.1 server for operators: a few fixed paths, GET and HEAD only, everything bounded: number of
/// connections, length of a head, time for a request; a body of a request is never read beyond 1 KiB.
///
/// Lives on one io_context; every member but `stats` is to be called from its thread, or while it does not
/// run.
class HttpPort {
 public:
  using Handler = std::function<HttpAnswer()>;

  HttpPort(boost::asio::io_context& io, const HttpConfig& config);
  ~HttpPort();
  HttpPort(const HttpPort&) = delete;
  HttpPort& operator=(const HttpPort&) = delete;

  /// Answers GET `path` by `handler`, which must not block; "/" lists all paths with `what`.
  void route(std::string path, std::string what, Handler handler);

  /// Binds and begins to listen; empty when that succeeded, else why not, for a person.
  std::string listen();

  /// The address bound.
  Endpoint local() const;

  /// Closes the port and all connections.
  void stop();

  HttpStats stats() const;

 private:
  void accept();
  void accepted(boost::asio::ip::tcp::socket socket);

  std::shared_ptr<HttpShared> shared_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer accept_retry_;
};

}  // namespace ringtrace::gateway
