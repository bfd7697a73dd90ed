#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "redis/reply.h"

namespace ringtrace::redis {

/// Cuts a stream of bytes into replies, with hiredis' parser. Not thread-safe.
///
/// What comes in is not trusted: bytes that are no reply, and a reply of more than `max_reply_bytes`, break
/// the reader for good.
class ReplyReader {
 public:
  enum class Next { kReply, kMore, kBroken };

  explicit ReplyReader(std::size_t max_reply_bytes);
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// Takes bytes as they came; best at most 16 KiB at a time.
  void feed(std::string_view bytes);

  /// Gives the next whole reply. kMore: feed more. kBroken: `error` says why.
  Next next(Reply& reply);

  const std::string& error() const { return error_; }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  const std::size_t max_reply_bytes_;
  std::size_t bytes_since_reply_ = 0;
  std::string error_;
};

}  // namespace ringtrace::redis
