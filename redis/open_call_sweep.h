#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "pool/time.h"
#include "redis/call_log.h"
#include "redis/connection.h"

namespace ringtrace::redis {

/// Closes calls whose end nobody saw: the process that carried them was killed, and no BYE has come since.
///
/// Looks at all open records each `every` while Redis is there, some at a time, and gives those that were
/// answered longer than `max_age` ago, or began `setup` before that and still ring, an ENDED event with the
/// outcome UNKNOWN_END, through the log's own queue. A gateway that carries a call closes it by the same age
/// itself: leave it a minute more here. Several gateways may sweep at once: the log takes each event once.
///
/// Io thread only, but for the construction, which comes before the connection's `start`. The connection and
/// the log outlive it.
class OpenCallSweep {
 public:
  using Now = std::function<pool::Time()>;

  struct Options {
    pool::Duration max_age{};
    pool::Duration setup{};
    std::chrono::milliseconds every{60'000};
  };

  OpenCallSweep(Connection& connection, RedisCallLog& calls, Options options, Now now);
  ~OpenCallSweep();
  OpenCallSweep(const OpenCallSweep&) = delete;
  OpenCallSweep& operator=(const OpenCallSweep&) = delete;

  /// Calls closed since start. Any thread.
  std::uint64_t closed() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ringtrace::redis
