#include "tests/crash/gateway_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace ringtrace::crash {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool is_free(int type, std::uint16_t port) {
  const int probe = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool free = bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(probe);
  return free;
}

/// Below the range that outgoing connections take from: it must be free again at every start.
std::uint16_t lasting_port() {
  std::random_device random;
  for (;;) {
    const auto port = std::uniform_int_distribution<std::uint16_t>(10'000, 32'000)(random);
    if (is_free(SOCK_STREAM, port) && is_free(SOCK_DGRAM, port)) return port;
  }
}

}  // namespace

GatewayProcess::GatewayProcess(Settings settings)
    : settings_(std::move(settings)),
      grpc_port_(lasting_port()),
      http_port_(lasting_port()),
      sip_port_(lasting_port()) {
  std::ofstream file(settings_.directory / "ringtrace.toml");
  file << "[gateway]\nname = \"crash\"\nstate_directory = \"" << settings_.directory.string() << "\"\n"
       << "[grpc]\nlisten = \"" << grpc_address() << "\"\n"
       << "[http]\nlisten = \"127.0.0.1:" << http_port_ << "\"\n"
       << "[redis]\nurl = \"unix://" << settings_.redis_socket << "\"\ncommand_timeout = \"200ms\"\n"
       << "[sip]\nlisten = [\"udp:127.0.0.1:" << sip_port_ << "\"]\ndefault_line_group = \"office\"\n"
       << "[[trunk]]\nname = \"carrier\"\naddresses = [\"127.0.0.1/32\"]\n"
       << "[[line_group]]\nname = \"office\"\n"
       << "[[line_group.line]]\nname = \"pbx\"\naddress = \"udp:127.0.0.1:9\"\n"
       << settings_.pools;
}

GatewayProcess::~GatewayProcess() { kill(); }

void GatewayProcess::start() {
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int log = open((settings_.directory / "ringtraced.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  const std::string configuration = (settings_.directory / "ringtrace.toml").string();
  execl(settings_.program.c_str(), "ringtraced", "--config", configuration.c_str(), nullptr);
  _exit(127);
}

void GatewayProcess::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void GatewayProcess::pause() {
  ::kill(pid_, SIGSTOP);
  waitpid(pid_, nullptr, WUNTRACED);
}

void GatewayProcess::resume() { ::kill(pid_, SIGCONT); }

std::string GatewayProcess::page(const std::string& path) const {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{5, 0};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  const sockaddr_in address = loopback(http_port_);
  std::string answer;
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    send(connection, request.data(), request.size(), MSG_NOSIGNAL);
    char buffer[4096];
    for (ssize_t count = 0; (count = recv(connection, buffer, sizeof(buffer), 0)) > 0;) {
      answer.append(buffer, static_cast<std::size_t>(count));
    }
  }
  close(connection);
  if (!answer.starts_with("HTTP/1.1 200 ")) return {};
  const std::size_t body = answer.find("\r\n\r\n");
  return body == std::string::npos ? std::string() : answer.substr(body + 4);
}

bool GatewayProcess::ready() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) {
    pid_ = -1;
    throw std::runtime_error("ringtraced ended by itself");
  }
  return !page("/readyz").empty();
}

std::string GatewayProcess::log_tail() const {
  std::ifstream file(settings_.directory / "ringtraced.log");
  std::ostringstream text;
  text << file.rdbuf();
  constexpr std::size_t kMost = 6000;
  const std::string all = text.str();
  return all.size() <= kMost ? all : all.substr(all.size() - kMost);
}

}  // namespace ringtrace::crash
