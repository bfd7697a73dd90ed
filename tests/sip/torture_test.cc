// The torture messages of RFC 4475 and RFC 5118 to a real proxy over real sockets: each gets an answer the
// RFC allows, and the proxy serves on after each.

#include "tests/sip/torture_messages.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "sip/proxy.h"
#include "tests/sip/loopback.h"

namespace ringtrace::sip::test {

using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 10s;

std::vector<TortureMessage> all_messages() {
  std::vector<TortureMessage> all;
  for (const auto* file : {"rfc4475_valid.txt", "rfc4475_invalid.txt", "rfc5118.txt"}) {
    for (TortureMessage& message : read_torture_messages(std::string(TORTURE_MESSAGES) + "/" + file)) {
      all.push_back(std::move(message));
    }
  }
  return all;
}

// The statuses of the responses in this text, those to pings left out.
void add_statuses(const std::string& text, std::vector<int>& statuses, bool& ping_answered) {
  for (std::size_t at = text.find("SIP/2.0 "); at != std::string::npos; at = text.find("SIP/2.0 ", at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    const std::size_t end = text.find("\r\n\r\n", at);
    if (text.substr(at, end - at).find("Call-ID: ping-") != std::string::npos) {
      ping_answered = true;
    } else {
      statuses.push_back(std::stoi(text.substr(at + 8, 3)));
    }
  }
}

// Pings until it is answered, gathering what comes before. A new call's 100 may come after the first ping's
// 200.
std::vector<int> answers_up_to_ping(Peer& peer, std::uint16_t port, int& number) {
  std::vector<int> statuses;
  for (int round = 0; round < 2; ++round) {
    peer.send(ping(++number), port);
    bool answered = false;
    while (!answered) {
      const std::string text = peer.receive(kPatience);
      REQUIRE_FALSE(text.empty());
      add_statuses(text, statuses, answered);
    }
  }
  return statuses;
}

void check_answers(const std::vector<int>& statuses, const std::vector<int>& allowed) {
  if (allowed.empty()) {
    CHECK(statuses.empty());
    return;
  }
  REQUIRE_FALSE(statuses.empty());
  INFO("answered " << statuses.front());
  CHECK(std::find(allowed.begin(), allowed.end(), statuses.front()) != allowed.end());
}

}  // namespace

TEST_CASE("all torture messages are there") { CHECK(all_messages().size() == 49 + 12); }

TEST_CASE("torture over UDP: each answered as the RFC says, and the proxy serves on") {
  Peer line = Peer::udp();
  Peer caller = Peer::udp();
  QuietWorld world;
  Proxy proxy(loopback_proxy(line.port()), world, world);
  REQUIRE(proxy.start() == std::nullopt);
  const std::uint16_t port = proxy.listening().at(0).endpoint.port;
  int number = 0;
  for (const TortureMessage& message : all_messages()) {
    INFO(message.name << " (" << message.section << ")\n" << message.bytes);
    caller.send(message.bytes, port);
    check_answers(answers_up_to_ping(caller, port, number), message.over_udp);
  }
  proxy.stop(0s);
}

TEST_CASE("torture over TCP: each answered as the RFC says, and the proxy serves on") {
  Peer line = Peer::udp();
  QuietWorld world;
  Proxy proxy(loopback_proxy(line.port()), world, world);
  REQUIRE(proxy.start() == std::nullopt);
  const std::uint16_t port = proxy.listening().at(1).endpoint.port;
  int number = 0;
  for (const TortureMessage& message : all_messages()) {
    INFO(message.name << " (" << message.section << ")\n" << message.bytes);
    Peer caller = Peer::tcp(port);
    caller.send(message.bytes);
    std::vector<int> statuses;
    bool pinged = false;
    if (!message.over_tcp.empty()) add_statuses(caller.receive(kPatience), statuses, pinged);
    check_answers(statuses, message.over_tcp);
    Peer other = Peer::tcp(port);
    answers_up_to_ping(other, 0, number);
    if (message.over_tcp.empty()) {
      add_statuses(caller.receive(0ms), statuses, pinged);
      CHECK(statuses.empty());
    }
  }
  proxy.stop(0s);
}

}  // namespace ringtrace::sip::test
