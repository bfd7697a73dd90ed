#pragma once

#include <memory>
#include <string>
#include <vector>

#include "redis/reply.h"

struct redisContext;

namespace ringtrace::test {

/// A connection of a test's own to a redis-server, one command at a time.
class RedisSession {
 public:
  /// Throws when nobody takes it within so many seconds.
  RedisSession(const std::string& unix_path, long seconds);

  /// Sends a command and waits for the reply. Throws when there is none in time.
  redis::Reply command(const std::vector<std::string>& arguments);

 private:
  std::unique_ptr<redisContext, void (*)(redisContext*)> context_;
};

}  // namespace ringtrace::test
