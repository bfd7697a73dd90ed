#include "tests/redis/redis_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <stdexcept>

namespace ringtrace::test {
namespace {

using Clock = std::chrono::steady_clock;
using Context = std::unique_ptr<redisContext, void (*)(redisContext*)>;

redis::Reply convert(const redisReply& from) {
  using Kind = redis::Reply::Kind;
  redis::Reply to;
  switch (from.type) {
    case REDIS_REPLY_STRING:
      to.kind = Kind::kString;
      break;
    case REDIS_REPLY_STATUS:
      to.kind = Kind::kStatus;
      break;
    case REDIS_REPLY_ERROR:
      to.kind = Kind::kError;
      break;
    case REDIS_REPLY_INTEGER:
      to.kind = Kind::kInteger;
      to.integer = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      to.kind = Kind::kArray;
      for (std::size_t i = 0; i < from.elements; ++i) to.elements.push_back(convert(*from.element[i]));
      break;
    default:
      break;
  }
  if (from.str != nullptr) to.text.assign(from.str, from.len);
  return to;
}

redis::Reply run(redisContext* context, const std::vector<std::string>& arguments) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& argument : arguments) {
    texts.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  const std::unique_ptr<void, void (*)(void*)> reply(
      redisCommandArgv(context, static_cast<int>(texts.size()), texts.data(), sizes.data()), freeReplyObject);
  if (reply == nullptr) throw std::runtime_error("redis-server did not answer");
  return convert(*static_cast<const redisReply*>(reply.get()));
}

Context dial(const std::string& path, long seconds) {
  return {redisConnectUnixWithTimeout(path.c_str(), timeval{seconds, 0}), redisFree};
}

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

void RedisServer::start() {
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
  while (!answers()) {
    const bool gone = waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (gone) pid_ = -1;
    if (gone || Clock::now() > deadline) throw std::runtime_error("redis-server did not start");
    poll(nullptr, 0, 5);
  }
}

bool RedisServer::answers() const {
  const Context context = dial(unix_endpoint().unix_path, 1);
  if (context == nullptr || context->err != 0) return false;
  try {
    const redis::Reply reply = run(context.get(), {"PING"});
    return !reply.is_error("LOADING");
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
  const Context context = dial(unix_endpoint().unix_path, 5);
  if (context == nullptr || context->err != 0) throw std::runtime_error("redis-server is away");
  redisSetTimeout(context.get(), timeval{5, 0});
  if (!password_.empty()) run(context.get(), {"AUTH", password_});
  return run(context.get(), arguments);
}

}  // namespace ringtrace::test
