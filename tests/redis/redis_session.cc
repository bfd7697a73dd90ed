#include "tests/redis/redis_session.h"

#include <hiredis/hiredis.h>
#include <sys/time.h>

#include <stdexcept>

namespace ringtrace::test {
namespace {

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

}  // namespace

RedisSession::RedisSession(const std::string& unix_path, long seconds)
    : context_(redisConnectUnixWithTimeout(unix_path.c_str(), timeval{seconds, 0}), redisFree) {
  if (context_ == nullptr || context_->err != 0) throw std::runtime_error("redis-server is away");
  // The system takes connections for a server that has not come to answering: a reply has a limit of its own.
  redisSetTimeout(context_.get(), timeval{seconds, 0});
}

redis::Reply RedisSession::command(const std::vector<std::string>& arguments) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& argument : arguments) {
    texts.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  const std::unique_ptr<void, void (*)(void*)> reply(
      redisCommandArgv(context_.get(), static_cast<int>(texts.size()), texts.data(), sizes.data()),
      freeReplyObject);
  if (reply == nullptr) throw std::runtime_error("redis-server did not answer");
  return convert(*static_cast<const redisReply*>(reply.get()));
}

}  // namespace ringtrace::test
