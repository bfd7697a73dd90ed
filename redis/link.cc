#include "redis/link.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <utility>
#include <vector>

namespace ringtrace::redis {

namespace asio = boost::asio;
using boost::system::error_code;

Link::Link(asio::io_context& io, std::size_t max_reply_bytes, Events events)
    : socket_(io), resolver_(io), reader_(max_reply_bytes), events_(std::move(events)) {}

void Link::connect(const Endpoint& endpoint) {
  const auto finish = [self = shared_from_this()](const error_code& error) {
    if (self->closed_) return;
    if (error) return self->fail("connect: " + error.message());
    self->connected();
  };
  if (!endpoint.unix_path.empty()) {
    // A path too long for a socket address is thrown by its constructor.
    try {
      socket_.async_connect(asio::local::stream_protocol::endpoint(endpoint.unix_path), finish);
    } catch (const boost::system::system_error& error) {
      fail(std::string("connect: ") + error.what());
    }
    return;
  }
  resolver_.async_resolve(endpoint.host, std::to_string(endpoint.port),
                          [self = shared_from_this(), finish](const error_code& error,
                                                              asio::ip::tcp::resolver::results_type found) {
                            if (self->closed_) return;
                            if (error) return self->fail("resolve: " + error.message());
                            // All of them: "localhost" is two addresses, and Redis may listen on one.
                            std::vector<asio::generic::stream_protocol::endpoint> addresses;
                            for (const auto& entry : found) addresses.emplace_back(entry.endpoint());
                            asio::async_connect(
                                self->socket_, addresses,
                                [finish](const error_code& problem, const auto&) { finish(problem); });
                          });
}

void Link::connected() {
  // Unix sockets have no such option; the error means just that.
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  read();
  events_.on_connected();
}

void Link::write(std::string bytes) {
  if (closed_) return;
  writing_ = true;
  output_ = std::move(bytes);
  asio::async_write(socket_, asio::buffer(output_),
                    [self = shared_from_this()](const error_code& error, std::size_t) {
                      if (self->closed_) return;
                      self->writing_ = false;
                      if (error) return self->fail("write: " + error.message());
                      self->events_.on_written();
                    });
}

void Link::read() {
  socket_.async_read_some(asio::buffer(input_),
                          [self = shared_from_this()](const error_code& error, std::size_t size) {
                            if (self->closed_) return;
                            if (error) return self->fail("read: " + error.message());
                            self->deliver(size);
                          });
}

void Link::deliver(std::size_t size) {
  reader_.feed({input_.data(), size});
  Reply reply;
  while (!closed_) {
    const ReplyReader::Next next = reader_.next(reply);
    if (next == ReplyReader::Next::kBroken) return fail("bad reply: " + reader_.error());
    if (next == ReplyReader::Next::kMore) break;
    events_.on_reply(std::move(reply));
    reply = Reply{};
  }
  if (!closed_) read();
}

void Link::fail(std::string reason) {
  if (closed_) return;
  close();
  events_.on_closed(std::move(reason));
}

void Link::close() {
  if (closed_) return;
  closed_ = true;
  error_code ignored;
  resolver_.cancel();
  socket_.close(ignored);
}

}  // namespace ringtrace::redis
