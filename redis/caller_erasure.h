#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "redis/caller_key.h"
#include "redis/connection.h"

namespace ringtrace::redis {

/// What became of an erasure.
struct CallerErased {
  bool done = false;          ///< false: Redis is away or refused; ask again, what was cleared stays cleared
  std::uint64_t calls = 0;    ///< that had something personal until now
  bool is_rewriting = false;  ///< Redis has taken the wish to rewrite its append-only file
  std::string detail;         ///< why not, for the log
};

/// Removes what is personal of the calls that one person made or forwarded from the log of call events: the
/// numbers, and the visitor and attributes of the visits. The calls stay, without them. Events of his earlier
/// calls that reach the log later are kept without them, too, for 30 days.
///
/// Costs what the caller called. Only when the key was changed while the log has calls named by an earlier
/// one, or events written before they were named at all, is each of those looked at.
///
/// Any thread; `done` is called once, on the connection's io thread, or from inside the call when Redis is
/// away. The connection outlives it.
class RedisCallerErasure {
 public:
  using Done = std::function<void(CallerErased)>;

  /// Calls or events looked at by one function call, so that Redis serves others in between.
  static constexpr std::size_t kLook = 500;

  RedisCallerErasure(Connection& connection, CallerKey key) : connection_(connection), key_(std::move(key)) {}

  /// `rewrites`: also asks Redis to rewrite its append-only file, which else holds what was erased until its
  /// next rewrite.
  void erase(std::string caller, bool rewrites, Done done);

 private:
  Connection& connection_;
  const CallerKey key_;
};

}  // namespace ringtrace::redis
