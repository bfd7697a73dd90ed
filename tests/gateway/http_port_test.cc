#include "gateway/http_port.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <future>
#include <random>
#include <thread>

#include "gateway/readiness.h"
#include "tests/gateway/client.h"

namespace ringtrace::gateway {
namespace {

using namespace std::chrono_literals;

/// A port on a thread of its own, with three paths.
class Port {
 public:
  explicit Port(std::chrono::milliseconds idle = 10s, std::size_t connections = 16) {
    HttpConfig config;
    config.listen = {"127.0.0.1", 0};
    config.max_connections = connections;
    config.idle_timeout = idle;
    config.max_header_bytes = 1024;
    port_ = std::make_unique<HttpPort>(io_, config);
    port_->route("/metrics", "figures", [] { return HttpAnswer{200, "text/plain", "figures 1\n"}; });
    port_->route("/readyz", "ready?", [this] {
      return HttpAnswer{readiness.is_ready() ? 200U : 503U, "application/json", readiness.json()};
    });
    port_->route("/large", "much", [] { return HttpAnswer{200, "text/plain", std::string(1 << 20, 'x')}; });
    REQUIRE(port_->listen() == "");
    address_ = port_->local();
    thread_ = std::thread([this] { io_.run(); });
  }

  ~Port() {
    std::promise<void> gone;
    boost::asio::post(io_, [&] {
      port_.reset();
      gone.set_value();
    });
    gone.get_future().wait();
    guard_.reset();
    thread_.join();
  }

  HttpStats stats() const { return port_->stats(); }
  const Endpoint& address() const { return address_; }

  /// Waits until the figures satisfy `wanted`; false after five seconds.
  bool eventually(const std::function<bool(const HttpStats&)>& wanted) const {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (std::chrono::steady_clock::now() < deadline) {
      if (wanted(port_->stats())) return true;
      std::this_thread::yield();
    }
    return false;
  }

  Readiness readiness;

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{io_.get_executor()};
  std::unique_ptr<HttpPort> port_;
  Endpoint address_;
  std::thread thread_;
};

std::string ask(const Port& port, std::string_view bytes) {
  const Client client(port.address());
  client.send(bytes);
  return client.read_all();
}

std::string get(const Port& port, const std::string& path, const std::string& method = "GET") {
  return ask(port, method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

}  // namespace

TEST_CASE("the port answers its paths") {
  const Port port;
  const std::string answer = get(port, "/metrics");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.ends_with("\r\n\r\nfigures 1\n"));
  CHECK(get(port, "/metrics?name=x").starts_with("HTTP/1.1 200 "));
  CHECK(get(port, "/large").size() > (1 << 20));
  CHECK(get(port, "/").find("<a href=\"/metrics\">/metrics</a> figures") != std::string::npos);
}

TEST_CASE("a HEAD has the length but not the body") {
  const Port port;
  const std::string answer = get(port, "/metrics", "HEAD");
  CHECK(answer.find("Content-Length: 10\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("other paths and methods are told so") {
  const Port port;
  CHECK(get(port, "/nothing").starts_with("HTTP/1.1 404 "));
  CHECK(get(port, "/../etc/passwd").starts_with("HTTP/1.1 404 "));
  const std::string post = get(port, "/metrics", "POST");
  CHECK(post.starts_with("HTTP/1.1 405 "));
  CHECK(post.find("Allow: GET, HEAD\r\n") != std::string::npos);
  CHECK(get(port, "/", "DELETE").starts_with("HTTP/1.1 405 "));
  CHECK(get(port, "/metrics", "GETT").starts_with("HTTP/1.1 405 "));
}

TEST_CASE("readiness is 200 or 503 with the reasons") {
  Port port;
  CHECK(get(port, "/readyz").starts_with("HTTP/1.1 200 "));
  port.readiness.not_ready("store", "not connected: \"gone\"");
  port.readiness.not_ready("sip", "not listening");
  const std::string answer = get(port, "/readyz");
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(answer.find(R"({"ready":false,"reasons":["sip: not listening","store: not connected: \"gone\""]})") !=
        std::string::npos);
  port.readiness.ready("store");
  port.readiness.ready("sip");
  CHECK(get(port, "/readyz").find(R"({"ready":true,"reasons":[]})") != std::string::npos);
}

TEST_CASE("a connection may carry several requests") {
  const Port port;
  const Client client(port.address());
  for (int i = 0; i < 3; ++i) {
    REQUIRE(client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(client.read_until("figures 1\n").starts_with("HTTP/1.1 200 "));
  }
  REQUIRE(client.send("GET /metrics HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n"));
  const std::string both = client.read_all();
  CHECK(both.find("figures 1\n") != std::string::npos);
  CHECK(both.find("HTTP/1.1 404 ") != std::string::npos);
}

TEST_CASE("what is no HTTP gets a 400 and the port goes on") {
  const Port port;
  for (const std::string_view garbage :
       {"hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"}) {
    INFO(garbage);
    CHECK(ask(port, garbage).starts_with("HTTP/1.1 400 "));
  }
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::string bytes(200, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    bytes += "\r\n\r\n";
    CHECK(ask(port, bytes).find("(timeout)") == std::string::npos);
  }
  CHECK(get(port, "/metrics").starts_with("HTTP/1.1 200 "));
  CHECK(port.stats().malformed >= 5);
}

TEST_CASE("a head that is too long gets a 431, a body that is too long a 413") {
  const Port port;
  CHECK(ask(port, "GET / HTTP/1.1\r\nX-Long: " + std::string(2000, 'x') + "\r\n\r\n")
            .starts_with("HTTP/1.1 431 "));
  CHECK(ask(port, "GET /" + std::string(5000, 'a')).starts_with("HTTP/1.1 431 "));
  CHECK(ask(port, "POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n").starts_with("HTTP/1.1 413 "));
  CHECK(port.stats().malformed == 3);
}

TEST_CASE("who is too slow is cut off, also when a byte comes now and then") {
  const Port port(200ms);
  SECTION("silent from the start") {
    const Client client(port.address());
    CHECK(client.read_all().empty());
  }
  SECTION("a head in drops") {
    const Client client(port.address());
    client.send("GET / HTTP/1.1\r\n");
    // Bytes keep coming for as long as the connection takes them; the limit counts from the first.
    const auto begin = std::chrono::steady_clock::now();
    auto future = std::async(std::launch::async, [&] { return client.read_all(); });
    while (future.wait_for(20ms) == std::future_status::timeout) client.send("x");
    CHECK(future.get().find("(timeout)") == std::string::npos);
    CHECK(std::chrono::steady_clock::now() - begin < 4s);
  }
  SECTION("idle after an answer") {
    const Client client(port.address());
    client.send("GET /metrics HTTP/1.1\r\n\r\n");
    CHECK(client.read_all().ends_with("figures 1\n"));
  }
  CHECK(port.eventually([](const HttpStats& stats) { return stats.timeouts == 1 && stats.open == 0; }));
}

TEST_CASE("beyond the limit connections are closed at once, and room comes back") {
  const Port port(10s, 2);
  {
    const Client first(port.address());
    const Client second(port.address());
    REQUIRE(port.eventually([](const HttpStats& stats) { return stats.open == 2; }));
    const Client third(port.address());
    CHECK(third.read_all().empty());
    CHECK(port.stats().refused == 1);
    first.send("GET /metrics HTTP/1.1\r\n\r\n");
    CHECK(first.read_until("figures 1\n").starts_with("HTTP/1.1 200 "));
  }
  REQUIRE(port.eventually([](const HttpStats& stats) { return stats.open == 0; }));
  CHECK(get(port, "/metrics").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("a port in use is told") {
  const Port port;
  boost::asio::io_context io;
  HttpConfig config;
  config.listen = port.address();
  HttpPort second(io, config);
  CHECK(second.listen() == "Address already in use");
}

TEST_CASE("a port that goes closes its connections") {
  auto port = std::make_unique<Port>();
  const Client client(port->address());
  REQUIRE(port->eventually([](const HttpStats& stats) { return stats.open == 1; }));
  port.reset();
  CHECK(client.read_all().empty());
}

}  // namespace ringtrace::gateway
