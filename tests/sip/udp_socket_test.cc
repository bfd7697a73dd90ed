#include "sip/udp_socket.h"

#include "tests/sip/loopback.h"

namespace ringtrace::sip::test {
namespace {

using std::chrono::milliseconds;

Message prepared(const std::string& text) {
  Message message = Message::verbatim(text);
  REQUIRE(message.prepare());
  return message;
}

Endpoint at(std::uint16_t port) { return {*IpAddress::parse("127.0.0.1"), port}; }

}  // namespace

TEST_CASE("datagrams leave together, in their order, and not before they are let go") {
  UdpSocket socket;
  REQUIRE(socket.open(at(0)));
  Peer one = Peer::udp();
  Peer two = Peer::udp();
  CHECK(socket.send(prepared("first"), at(one.port())));
  CHECK(socket.send(prepared("other"), at(two.port())));
  CHECK(socket.send(prepared("second"), at(one.port())));
  CHECK(one.receive(milliseconds(0)).empty());

  socket.flush([](const Endpoint&) { FAIL("nobody is dead"); });
  CHECK(one.receive(milliseconds(2000)) == "first");
  CHECK(one.receive(milliseconds(2000)) == "second");
  CHECK(two.receive(milliseconds(2000)) == "other");
  socket.flush([](const Endpoint&) { FAIL("nothing waits"); });
  CHECK(one.receive(milliseconds(0)).empty());
}

TEST_CASE("more datagrams than wait at once all leave") {
  UdpSocket socket;
  REQUIRE(socket.open(at(0)));
  Peer peer = Peer::udp();
  for (int i = 0; i < 100; ++i) CHECK(socket.send(prepared(std::to_string(i)), at(peer.port())));
  socket.flush([](const Endpoint&) { FAIL("nobody is dead"); });
  for (int i = 0; i < 100; ++i) CHECK(peer.receive(milliseconds(2000)) == std::to_string(i));
}

TEST_CASE("a datagram that cannot be sent is told of, and those behind it leave") {
  UdpSocket socket;
  REQUIRE(socket.open(at(0)));
  Peer peer = Peer::udp();
  CHECK_FALSE(socket.send(prepared(std::string(65'508, 'x')), at(peer.port())));
  CHECK(socket.send(prepared("nowhere"), at(0)));
  CHECK(socket.send(prepared("here"), at(peer.port())));
  std::vector<Endpoint> dead;
  socket.flush([&dead](const Endpoint& endpoint) { dead.push_back(endpoint); });
  CHECK(dead == std::vector<Endpoint>{at(0)});
  CHECK(peer.receive(milliseconds(2000)) == "here");
}

TEST_CASE("the word that nobody is at an earlier place keeps nothing from leaving") {
  UdpSocket socket;
  REQUIRE(socket.open(at(0)));
  const std::uint16_t gone = Peer::udp().port();
  Peer peer = Peer::udp();
  const auto none_failed = [](const Endpoint&) { FAIL("it has been sent"); };
  CHECK(socket.send(prepared("lost"), at(gone)));
  socket.flush(none_failed);
  CHECK(socket.send(prepared("here"), at(peer.port())));
  socket.flush(none_failed);
  CHECK(peer.receive(milliseconds(2000)) == "here");
  std::vector<Endpoint> dead;
  socket.receive_errors([&dead](const Endpoint& endpoint) { dead.push_back(endpoint); });
  CHECK(dead == std::vector<Endpoint>{at(gone)});
}

}  // namespace ringtrace::sip::test
