// TCP connections to a real proxy: strangers' are closed, and there are never more than allowed.

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "sip/proxy.h"
#include "tests/sip/loopback.h"

namespace ringtrace::sip::test {

using namespace std::chrono_literals;

TEST_CASE("a stranger's connection is closed without a word") {
  QuietWorld world;
  ProxyConfig config = loopback_proxy(9);
  config.trunks[0].addresses = {"192.0.2.0/24"};
  config.line_groups[0].lines[0].host = "192.0.2.1";
  Proxy proxy(config, world, world);
  REQUIRE(proxy.start() == std::nullopt);
  Peer stranger = Peer::tcp(proxy.listening().at(1).endpoint.port);
  stranger.send(ping(1));
  CHECK(stranger.is_closed_within(10s));
  CHECK(proxy.stats().refused[static_cast<std::size_t>(Refusal::kUnknownSource)] == 1);
  CHECK(proxy.stats().refused[static_cast<std::size_t>(Refusal::kConnection)] == 1);
}

TEST_CASE("connections beyond the limit are closed, those within it are served") {
  QuietWorld world;
  ProxyConfig config = loopback_proxy(9);
  config.limits.connections = 3;
  Proxy proxy(config, world, world);
  REQUIRE(proxy.start() == std::nullopt);
  const std::uint16_t port = proxy.listening().at(1).endpoint.port;
  std::vector<Peer> peers;
  for (int i = 0; i < 8; ++i) peers.push_back(Peer::tcp(port));
  const auto& closed = proxy.stats().refused[static_cast<std::size_t>(Refusal::kConnection)];
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (closed < 5 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  CHECK(closed == 5);
  int served = 0;
  for (Peer& peer : peers) {
    peer.send(ping(++served));
    if (peer.receive(2s).substr(0, 11) != "SIP/2.0 200") --served;
  }
  CHECK(served == 3);
}

TEST_CASE("connections are counted without a UDP socket beside them, too") {
  QuietWorld world;
  ProxyConfig config = loopback_proxy(9);
  config.listen = {{"127.0.0.1", 0, Transport::kTcp, ""}};
  config.line_groups[0].lines[0].transport = Transport::kTcp;
  config.limits.connections = 1;
  Proxy proxy(config, world, world);
  REQUIRE(proxy.start() == std::nullopt);
  const std::uint16_t port = proxy.listening().at(0).endpoint.port;
  Peer first = Peer::tcp(port);
  first.send(ping(1));
  REQUIRE(first.receive(10s).substr(0, 11) == "SIP/2.0 200");
  Peer second = Peer::tcp(port);
  CHECK(second.is_closed_within(10s));
  first.send(ping(2));
  CHECK(first.receive(10s).substr(0, 11) == "SIP/2.0 200");
  CHECK(proxy.stats().refused[static_cast<std::size_t>(Refusal::kConnection)] == 1);
}

TEST_CASE("a connection that nobody uses is closed, one in use is not") {
  QuietWorld world;
  ProxyConfig config = loopback_proxy(9);
  config.limits.idle_connection = 400ms;
  Proxy proxy(config, world, world);
  REQUIRE(proxy.start() == std::nullopt);
  const std::uint16_t port = proxy.listening().at(1).endpoint.port;
  Peer used = Peer::tcp(port);
  Peer idle = Peer::tcp(port);
  idle.send(ping(0));
  CHECK(idle.receive(10s).substr(0, 11) == "SIP/2.0 200");
  int number = 0;
  bool closed = false;
  for (const auto end = std::chrono::steady_clock::now() + 10s;
       !closed && std::chrono::steady_clock::now() < end; closed = idle.is_closed_within(100ms)) {
    used.send(ping(++number));
    REQUIRE(used.receive(10s).substr(0, 11) == "SIP/2.0 200");
  }
  CHECK(closed);
}

TEST_CASE("what cannot be framed ends its connection, and the proxy serves on") {
  QuietWorld world;
  Proxy proxy(loopback_proxy(9), world, world);
  REQUIRE(proxy.start() == std::nullopt);
  const std::uint16_t port = proxy.listening().at(1).endpoint.port;
  Peer broken = Peer::tcp(port);
  broken.send("no SIP at all\r\n\r\n");
  CHECK(broken.is_closed_within(10s));
  Peer good = Peer::tcp(port);
  good.send(ping(1));
  CHECK(good.receive(10s).substr(0, 11) == "SIP/2.0 200");
}

TEST_CASE("the network's word that nobody is at a line is heard, and the next line is tried at once") {
  QuietWorld world;
  Peer line = Peer::udp();
  std::uint16_t dead_port = 0;
  {
    const Peer gone = Peer::udp();
    dead_port = gone.port();
  }
  ProxyConfig config = loopback_proxy(line.port());
  config.line_groups[0].lines.push_back(config.line_groups[0].lines[0]);
  config.line_groups[0].lines[0].port = dead_port;
  config.line_groups[0].lines[1].priority = 1;
  config.times.no_provisional = std::chrono::seconds(30);  // silence alone would take this long
  Proxy proxy(config, world, world);
  REQUIRE(proxy.start() == std::nullopt);
  Peer caller = Peer::udp();
  caller.send(
      "INVITE sip:1@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-1\r\nFrom: "
      "<sip:a@b>;tag=1\r\n"
      "To: <sip:1@127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
      proxy.listening().at(0).endpoint.port);
  CHECK(line.receive(15s).substr(0, 7) == "INVITE ");
  proxy.stop(0s);
}

}  // namespace ringtrace::sip::test
