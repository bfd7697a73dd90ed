#include "gateway/http_port.h"

#include <boost/asio/ip/address.hpp>
#include <utility>

#include "gateway/http_session.h"

namespace ringtrace::gateway {
namespace {

using boost::asio::ip::tcp;

// Between two attempts to accept when the machine has no descriptors left.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

}  // namespace

HttpPort::HttpPort(boost::asio::io_context& io, const HttpConfig& config)
    : shared_(std::make_shared<HttpShared>()), acceptor_(io), accept_retry_(io) {
  shared_->config = config;
}

HttpPort::~HttpPort() { stop(); }

void HttpPort::route(std::string path, std::string what, Handler handler) {
  shared_->routes.insert_or_assign(std::move(path), HttpShared::Route{std::move(what), std::move(handler)});
}

std::string HttpPort::listen() {
  boost::system::error_code error;
  const boost::asio::ip::address address = boost::asio::ip::make_address(shared_->config.listen.host, error);
  const tcp::endpoint endpoint(address, shared_->config.listen.port);
  if (!error) acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    return error.message();
  }
  accept();
  return {};
}

Endpoint HttpPort::local() const {
  boost::system::error_code error;
  const tcp::endpoint endpoint = acceptor_.local_endpoint(error);
  return error ? Endpoint{} : Endpoint{endpoint.address().to_string(), endpoint.port()};
}

void HttpPort::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  accept_retry_.cancel(ignored);
  const auto sessions = shared_->sessions;
  for (const auto& [key, weak] : sessions) {
    if (const std::shared_ptr<HttpSession> session = weak.lock()) session->close();
  }
}

void HttpPort::accept() {
  acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
    if (error == boost::asio::error::operation_aborted) return;
    if (error) {
      accept_retry_.expires_after(kAcceptPause);
      accept_retry_.async_wait([this](boost::system::error_code cancelled) {
        if (!cancelled) accept();
      });
      return;
    }
    accepted(std::move(socket));
    accept();
  });
}

void HttpPort::accepted(tcp::socket socket) {
  shared_->accepted.fetch_add(1, std::memory_order_relaxed);
  if (shared_->open.load(std::memory_order_relaxed) >= shared_->config.max_connections) {
    shared_->refused.fetch_add(1, std::memory_order_relaxed);
    return;  // the socket closes as it goes
  }
  shared_->open.fetch_add(1, std::memory_order_relaxed);
  std::make_shared<HttpSession>(std::move(socket), shared_)->start();
}

HttpStats HttpPort::stats() const {
  HttpStats result;
  result.open = shared_->open.load(std::memory_order_relaxed);
  result.accepted = shared_->accepted.load(std::memory_order_relaxed);
  result.refused = shared_->refused.load(std::memory_order_relaxed);
  result.timeouts = shared_->timeouts.load(std::memory_order_relaxed);
  result.malformed = shared_->malformed.load(std::memory_order_relaxed);
  result.answers = shared_->answers.load(std::memory_order_relaxed);
  return result;
}

}  // namespace ringtrace::gateway
