#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "redis/connection.h"

namespace ringtrace::redis {

/// What a named subscription has acknowledged.
struct SubscriptionPlace {
  enum class Status : std::uint8_t { kKnown, kTooMany, kUnavailable };
  Status status = Status::kUnavailable;
  std::string cursor;  ///< kKnown: of the last event acknowledged; empty for a new name
};

/// The named subscriptions of the log in Redis: a hash, name to `cursor touched_ms`, `-` for no cursor.
/// Places only move forward, and never beyond the log's last event. A name that was not used for 60 days is
/// forgotten when others need its place.
///
/// Of each name's acknowledgements one is on its way and the newest other one waits; what Redis did not take
/// is sent again until it does, as long as the process lives. Construct it before the connection's `start`;
/// the connection outlives it. Any thread may call; callbacks come on the connection's io thread, or from
/// inside the call when Redis is away. Destroy it on the io thread or when no thread runs the loop.
class RedisSubscriptions {
 public:
  using OpenDone = std::function<void(SubscriptionPlace)>;

  /// Names kept at most.
  static constexpr std::size_t kMost = 10'000;

  explicit RedisSubscriptions(Connection& connection);
  ~RedisSubscriptions();
  RedisSubscriptions(const RedisSubscriptions&) = delete;
  RedisSubscriptions& operator=(const RedisSubscriptions&) = delete;

  /// The subscription's place, new names from now on; an acknowledgement on its way counts.
  void open(const std::string& name, OpenDone done);

  void acknowledge(const std::string& name, const std::string& cursor);

  /// Names with an acknowledgement that Redis has not taken yet.
  std::size_t waiting() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ringtrace::redis
