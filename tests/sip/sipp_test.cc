// Real SIPp peers around the real proxy on loopback, each on a port of its own.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "sip/proxy.h"

extern char** environ;

namespace ringtrace::sip {
namespace {

using namespace std::chrono_literals;

class StaticAttribution final : public Attribution {
 public:
  v1::Resolution attribute(const pool::ResolveQuery&) override {
    v1::Resolution resolution;
    resolution.set_method(v1::RESOLUTION_METHOD_ACTIVE_LEASE);
    resolution.mutable_visit()->set_visit_id("visit-1");
    return resolution;
  }
  bool knows(pool::Number) const override { return true; }
};

class WaitingSink final : public CallSink {
 public:
  void record(const v1::CallEvent& event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
  }
  void close_unknown(CallClosing) override {}
  void resume(const v1::CallEvent&) override {}

  // Waits for as many ENDED events; returns all events.
  std::vector<v1::CallEvent> wait_for_ended(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 20s, [&] { return ended() >= count; });
    return events_;
  }

 private:
  std::size_t ended() const {
    std::size_t count = 0;
    for (const auto& event : events_) count += event.type() == v1::CALL_EVENT_TYPE_ENDED ? 1u : 0u;
    return count;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<v1::CallEvent> events_;
};

// A port that is free now for this transport.
std::uint16_t free_port(int type) {
  const int fd = socket(AF_INET, type, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

class Sipp {
 public:
  explicit Sipp(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "sipp");
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    REQUIRE(posix_spawnp(&pid_, "sipp", &actions, nullptr, raw.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Sipp() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    wait();
  }
  Sipp(const Sipp&) = delete;
  Sipp& operator=(const Sipp&) = delete;

  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
};

bool has_sipp() {
  for (const auto* directory : {"/usr/bin", "/usr/local/bin"}) {
    if (std::filesystem::exists(std::string(directory) + "/sipp")) return true;
  }
  return false;
}

ProxyConfig loopback_config(std::uint16_t line_port, Transport transport) {
  ProxyConfig config;
  config.listen = {{"127.0.0.1", 0, transport, ""}};
  config.trunks = {{.name = "carrier", .addresses = {"127.0.0.0/8"}}};
  config.line_groups = {{.name = "office", .lines = {{"desk", "127.0.0.1", line_port, transport, 0, 1}}}};
  config.default_line_group = "office";
  config.signing_key = "0123456789abcdef0123456789abcdef";
  return config;
}

}  // namespace

TEST_CASE("real calls of SIPp go through the real proxy", "[sipp]") {
  if (!has_sipp()) {
    WARN("sipp is not installed: the test was not run");
    return;
  }
  const Transport transport = GENERATE(Transport::kUdp, Transport::kTcp);
  const bool tcp = transport == Transport::kTcp;
  const std::uint16_t line_port = free_port(tcp ? SOCK_STREAM : SOCK_DGRAM);
  StaticAttribution attribution;
  WaitingSink sink;
  Proxy proxy(loopback_config(line_port, transport), attribution, sink);
  REQUIRE(proxy.start() == std::nullopt);
  const std::uint16_t port = proxy.listening().at(0).endpoint.port;

  constexpr std::size_t kCalls = 20;
  const std::string mode = tcp ? "t1" : "u1";
  Sipp line({"-sf", SIPP_SCENARIOS "/uas.xml", "-i", "127.0.0.1", "-p", std::to_string(line_port), "-t", mode,
             "-m", std::to_string(kCalls), "-timeout", "30", "-nostdin"});
  Sipp caller({"-sf", SIPP_SCENARIOS "/uac.xml", "-i", "127.0.0.1", "-p",
               std::to_string(free_port(tcp ? SOCK_STREAM : SOCK_DGRAM)), "-t", mode, "-s", "+74950000001",
               "-m", std::to_string(kCalls), "-r", "20", "-timeout", "30", "-nostdin",
               "127.0.0.1:" + std::to_string(port)});
  CHECK(caller.wait() == 0);

  const auto events = sink.wait_for_ended(kCalls);
  CHECK(events.size() == 3 * kCalls);
  CHECK(proxy.stats().calls_ended[v1::CALL_OUTCOME_ANSWERED] == kCalls);
  CHECK(proxy.stats().live_calls == 0);
  proxy.stop(2s);
}

TEST_CASE("a port in use is an error that names the address") {
  const int type = GENERATE(SOCK_DGRAM, SOCK_STREAM);
  const int fd = socket(AF_INET, type, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  if (type == SOCK_STREAM) REQUIRE(listen(fd, 1) == 0);
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);

  const Transport transport = type == SOCK_STREAM ? Transport::kTcp : Transport::kUdp;
  ProxyConfig config = loopback_config(5060, transport);
  config.listen[0].port = ntohs(address.sin_port);
  StaticAttribution attribution;
  WaitingSink sink;
  Proxy proxy(config, attribution, sink);
  CHECK(proxy.start() == std::string(transport_name(transport)) + " 127.0.0.1:" +
                             std::to_string(config.listen[0].port) + ": Address already in use");
  close(fd);
}

TEST_CASE("garbage datagrams are counted by a proxy that goes on, reloads and stops") {
  StaticAttribution attribution;
  WaitingSink sink;
  const ProxyConfig config = loopback_config(5060, Transport::kUdp);
  Proxy proxy(config, attribution, sink);
  REQUIRE(proxy.start() == std::nullopt);
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(proxy.listening().at(0).endpoint.port);
  const std::vector<std::string> garbage = {"x",
                                            std::string("a\0b\r\n\r\n", 7),
                                            std::string(60000, 'y'),
                                            "INVITE sip:x SIP/2.0\r\nVia: \r\n\r\n",
                                            "\x16\x03\x01garbage",
                                            "SIP/2.0 200 OK\r\n\r\n"};
  for (const std::string& text : garbage) {
    sendto(fd, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  // The OPTIONS behind them is answered once all of them have been dealt with.
  const std::string options =
      "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-o;rport\r\n"
      "From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: o\r\nCSeq: 1 "
      "OPTIONS\r\nContent-Length: 0\r\n\r\n";
  sendto(fd, options.data(), options.size(), 0, reinterpret_cast<sockaddr*>(&address), sizeof address);
  timeval patience{10, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char buffer[2000];
  const ssize_t size = recv(fd, buffer, sizeof buffer, 0);
  REQUIRE(size > 0);
  CHECK(std::string(buffer, static_cast<std::size_t>(size)).substr(0, 11) == "SIP/2.0 200");
  CHECK(proxy.stats().refused[static_cast<std::size_t>(Refusal::kGarbage)] >= 4);
  close(fd);

  CHECK(proxy.reload(config) == std::nullopt);
  ProxyConfig bad = config;
  bad.signing_key.clear();
  CHECK(proxy.reload(bad) == "the signing key is shorter than 16 bytes");
  proxy.stop(1s);
  CHECK(proxy.listening().empty());
}

}  // namespace ringtrace::sip
