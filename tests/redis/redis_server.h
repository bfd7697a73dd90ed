#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "redis/options.h"
#include "redis/reply.h"
#include "tests/temporary_directory.h"

namespace ringtrace::test {

/// A redis-server of the test's own: a directory of its own, a unix socket and a free TCP port, appendonly
/// with appendfsync always. It dies with the object, and with the test.
///
///     RedisServer server;                       // started, answers
///     server.kill(); server.start();            // what was acknowledged is there again
///     server.command({"HGETALL", "rt:{calls}:open"});
class RedisServer {
 public:
  enum class Start { kNow, kLater };

  /// `settings` are more arguments, such as {"--requirepass", "secret"}.
  explicit RedisServer(std::vector<std::string> settings = {}, Start start = Start::kNow);
  virtual ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  enum class Until { kServing, kLoading };

  /// Starts it in the same directory, and returns when it answers, or when it says that it is still loading
  /// (or has loaded all there was). Throws when it does not in 20 s.
  void start(Until until = Until::kServing);

  /// kill -9.
  void kill();

  /// SIGSTOP and SIGCONT.
  void pause();
  void resume();

  redis::Endpoint unix_endpoint() const;
  redis::Endpoint tcp_endpoint() const;
  const std::filesystem::path& directory() const { return directory_.path(); }

  /// Sends a command on a connection of its own and waits for the reply. Throws when there is none in 5 s.
  redis::Reply command(const std::vector<std::string>& arguments) const;

  /// The password `command` authenticates with.
  void set_password(std::string password) { password_ = std::move(password); }

 protected:
  /// The command line.
  virtual std::vector<std::string> arguments() const;

 private:
  bool answers(Until until) const;

  const std::vector<std::string> settings_;
  const TemporaryDirectory directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
  std::string password_;
};

/// A TCP port of 127.0.0.1 that nobody listened on a moment ago.
std::uint16_t free_port();

}  // namespace ringtrace::test
