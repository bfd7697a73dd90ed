#include "redis/link.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <utility>
#include <vector>

namespace ringtrace::redis {

namespace asio = boost::asio;
using boost::system::error_code;

TlsContext make_tls_context(const TlsOptions& options) {
  if (!options.on) return {};
  const auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  context->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  context->set_verify_mode(asio::ssl::verify_peer);
  if (options.ca_file.empty()) {
    context->set_default_verify_paths();
  } else {
    context->load_verify_file(options.ca_file);
  }
  if (!options.certificate_file.empty()) context->use_certificate_chain_file(options.certificate_file);
  if (!options.key_file.empty()) context->use_private_key_file(options.key_file, asio::ssl::context::pem);
  return context;
}

Link::Link(asio::io_context& io, TlsContext tls, std::size_t max_reply_bytes, Events events)
    : tls_context_(std::move(tls)),
      socket_(io),
      resolver_(io),
      reader_(max_reply_bytes),
      events_(std::move(events)) {}

void Link::connect(const Endpoint& endpoint) {
  const auto finish = [self = shared_from_this(), host = endpoint.host](const error_code& error) {
    if (self->closed_) return;
    if (error) return self->fail("connect: " + error.message());
    self->connected(host);
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

void Link::connected(const std::string& host) {
  // Unix sockets have no such option; the error means just that.
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (tls_context_) return shake_hands(host);
  opened();
}

void Link::shake_hands(const std::string& host) {
  tls_.emplace(socket_, *tls_context_);
  tls_->set_verify_callback(asio::ssl::host_name_verification(host));
  SSL_set_tlsext_host_name(tls_->native_handle(), host.c_str());
  tls_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](const error_code& error) {
    if (self->closed_) return;
    if (error) return self->fail("TLS: " + error.message());
    self->opened();
  });
}

void Link::opened() {
  read();
  events_.on_connected();
}

void Link::write(std::string bytes) {
  if (closed_) return;
  writing_ = true;
  output_ = std::move(bytes);
  auto written = [self = shared_from_this()](const error_code& error, std::size_t) {
    if (self->closed_) return;
    self->writing_ = false;
    if (error) return self->fail("write: " + error.message());
    self->events_.on_written();
  };
  if (tls_) {
    asio::async_write(*tls_, asio::buffer(output_), std::move(written));
  } else {
    asio::async_write(socket_, asio::buffer(output_), std::move(written));
  }
}

void Link::read() {
  auto came = [self = shared_from_this()](const error_code& error, std::size_t size) {
    if (self->closed_) return;
    if (error) return self->fail("read: " + error.message());
    self->deliver(size);
  };
  if (tls_) {
    tls_->async_read_some(asio::buffer(input_), std::move(came));
  } else {
    socket_.async_read_some(asio::buffer(input_), std::move(came));
  }
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
