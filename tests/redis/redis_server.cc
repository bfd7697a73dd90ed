#include "tests/redis/redis_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>

#include "tests/redis/redis_session.h"

namespace ringtrace::test {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

std::uint16_t free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool found = bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(probe);
  if (!found) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

RedisServer::RedisServer(std::vector<std::string> settings, Start start_now)
    : settings_(std::move(settings)), port_(free_port()) {
  if (start_now != Start::kNow) return;
  try {
    start();
  } catch (...) {
    kill();
    throw;
  }
}

RedisServer::~RedisServer() { kill(); }

std::vector<std::string> RedisServer::arguments() const {
  std::vector<std::string> arguments = {"redis-server",
                                        "--port",
                                        std::to_string(port_),
                                        "--bind",
                                        "127.0.0.1",
                                        "--unixsocket",
                                        unix_endpoint().unix_path,
                                        "--dir",
                                        directory_.path().string(),
                                        "--logfile",
                                        (directory_.path() / "log").string(),
                                        "--save",
                                        "",
                                        "--appendonly",
                                        "yes",
                                        "--appendfsync",
                                        "always",
                                        "--maxmemory-policy",
                                        "noeviction"};
  arguments.insert(arguments.end(), settings_.begin(), settings_.end());
  return arguments;
}

void RedisServer::start(Until until) {
  std::vector<std::string> words = arguments();
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);

  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execvp(pointers.front(), pointers.data());
    _exit(127);
  }
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (!answers(until)) {
    const bool gone = waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (gone) pid_ = -1;
    if (gone || Clock::now() > deadline) throw std::runtime_error("redis-server did not start");
    poll(nullptr, 0, 5);
  }
}

bool RedisServer::answers(Until until) const {
  try {
    const redis::Reply reply = RedisSession(unix_endpoint().unix_path, 1).command({"PING"});
    return until == Until::kLoading || !reply.is_error("LOADING");
  } catch (const std::runtime_error&) {
    return false;
  }
}

void RedisServer::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
  std::filesystem::remove(unix_endpoint().unix_path);
}

void RedisServer::pause() {
  ::kill(pid_, SIGSTOP);
  waitpid(pid_, nullptr, WUNTRACED);
}

void RedisServer::resume() { ::kill(pid_, SIGCONT); }

redis::Endpoint RedisServer::unix_endpoint() const {
  return {(directory_.path() / "socket").string(), {}, 0};
}

redis::Endpoint RedisServer::tcp_endpoint() const { return {{}, "localhost", port_}; }

redis::Reply RedisServer::command(const std::vector<std::string>& arguments) const {
  RedisSession session(unix_endpoint().unix_path, 5);
  if (!password_.empty()) session.command({"AUTH", password_});
  return session.command(arguments);
}

}  // namespace ringtrace::test
