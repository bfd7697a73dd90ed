#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "gateway/http_port.h"

namespace ringtrace::gateway {

class HttpSession;

/// What the port and its sessions share; sessions may outlive the port by a turn of the loop.
struct HttpShared {
  struct Route {
    std::string what;
    HttpPort::Handler handler;
  };

  HttpConfig config;
  std::map<std::string, Route, std::less<>> routes;
  std::map<HttpSession*, std::weak_ptr<HttpSession>> sessions;

  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> timeouts{0};
  std::atomic<std::uint64_t> malformed{0};
  std::atomic<std::uint64_t> answers{0};
};

/// One connection: a request, its answer, and again, each within the idle timeout. Internal to http_port.cc.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(boost::asio::ip::tcp::socket socket, std::shared_ptr<HttpShared> shared);
  ~HttpSession();

  void start();

  /// Closes the connection at once.
  void close();

 private:
  using Request = boost::beast::http::request<boost::beast::http::string_body>;
  using Response = boost::beast::http::response<boost::beast::http::string_body>;

  void read();
  void received(boost::system::error_code error);
  void refuse_malformed(boost::system::error_code error);
  HttpAnswer answer_to(const Request& request, bool& wrong_method) const;
  void answer(const Request& request);
  void write(Response response);
  HttpAnswer index() const;

  boost::beast::tcp_stream stream_;
  std::shared_ptr<HttpShared> shared_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  Response response_;
};

}  // namespace ringtrace::gateway
