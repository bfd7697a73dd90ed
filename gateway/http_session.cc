#include "gateway/http_session.h"

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <string_view>
#include <utility>

namespace ringtrace::gateway {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kMaxBodyBytes = 1024;

std::string_view path_of(const std::string_view target) { return target.substr(0, target.find('?')); }

http::response<http::string_body> make_response(HttpAnswer answer, unsigned version, bool keep_alive) {
  http::response<http::string_body> response;
  response.result(answer.status);
  response.version(version);
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  response.keep_alive(keep_alive);
  response.body() = std::move(answer.body);
  response.prepare_payload();
  return response;
}

}  // namespace

HttpSession::HttpSession(boost::asio::ip::tcp::socket socket, std::shared_ptr<HttpShared> shared)
    : stream_(std::move(socket)),
      shared_(std::move(shared)),
      buffer_(shared_->config.max_header_bytes + kMaxBodyBytes) {}

HttpSession::~HttpSession() {
  shared_->sessions.erase(this);
  shared_->open.fetch_sub(1, std::memory_order_relaxed);
}

void HttpSession::start() {
  shared_->sessions.emplace(this, weak_from_this());
  read();
}

void HttpSession::close() {
  boost::system::error_code ignored;
  stream_.socket().close(ignored);
}

void HttpSession::read() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(shared_->config.max_header_bytes));
  parser_->body_limit(kMaxBodyBytes);
  // One limit for the whole request, however its bytes trickle in.
  stream_.expires_after(shared_->config.idle_timeout);
  http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](boost::system::error_code error, std::size_t) { self->received(error); });
}

void HttpSession::received(boost::system::error_code error) {
  if (!error) return answer(parser_->get());
  if (error == boost::beast::error::timeout) {
    shared_->timeouts.fetch_add(1, std::memory_order_relaxed);
    return close();
  }
  if (error == http::error::end_of_stream ||
      error.category() != http::make_error_code(http::error{}).category()) {
    return close();
  }
  refuse_malformed(error);
}

void HttpSession::refuse_malformed(boost::system::error_code error) {
  shared_->malformed.fetch_add(1, std::memory_order_relaxed);
  HttpAnswer refusal{400, "text/plain; charset=utf-8", "This is no HTTP request.\n"};
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    refusal.status = 431;
    refusal.body =
        "The head is longer than " + std::to_string(shared_->config.max_header_bytes) + " bytes.\n";
  } else if (error == http::error::body_limit) {
    refusal.status = 413;
    refusal.body = "No request here has a body.\n";
  }
  write(make_response(std::move(refusal), 11, false));
}

void HttpSession::answer(const Request& request) {
  bool wrong_method = false;
  Response response =
      make_response(answer_to(request, wrong_method), request.version(), request.keep_alive());
  if (wrong_method) response.set(http::field::allow, "GET, HEAD");
  if (request.method() == http::verb::head) response.body().clear();
  write(std::move(response));
}

HttpAnswer HttpSession::answer_to(const Request& request, bool& wrong_method) const {
  const boost::beast::string_view target = request.target();
  const std::string_view path = path_of({target.data(), target.size()});
  const auto route = shared_->routes.find(path);
  if (route == shared_->routes.end() && path != "/") {
    return {404, "text/plain; charset=utf-8", "There is nothing here; / lists what there is.\n"};
  }
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    wrong_method = true;
    return {405, "text/plain; charset=utf-8", "Only GET and HEAD.\n"};
  }
  return route == shared_->routes.end() ? index() : route->second.handler();
}

HttpAnswer HttpSession::index() const {
  HttpAnswer page;
  page.content_type = "text/html; charset=utf-8";
  page.body = "<!doctype html>\n<title>Ringtrace</title>\n<h1>Ringtrace</h1>\n<ul>\n";
  for (const auto& [path, route] : shared_->routes) {
    page.body += "<li><a href=\"" + path + "\">" + path + "</a> " + route.what + "</li>\n";
  }
  page.body += "</ul>\n";
  return page;
}

void HttpSession::write(Response response) {
  response_ = std::move(response);
  shared_->answers.fetch_add(1, std::memory_order_relaxed);
  stream_.expires_after(shared_->config.idle_timeout);
  http::async_write(stream_, response_,
                    [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                      if (error == boost::beast::error::timeout) {
                        self->shared_->timeouts.fetch_add(1, std::memory_order_relaxed);
                      }
                      if (error || !self->response_.keep_alive()) return self->close();
                      self->read();
                    });
}

}  // namespace ringtrace::gateway
