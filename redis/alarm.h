#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace ringtrace::redis {

/// Something to be done later, once. The loop's own, like what it calls; when it is destroyed nothing comes.
class Alarm {
 public:
  virtual ~Alarm() = default;

  /// Calls `then` on the loop after so long, in place of what was set before.
  virtual void set(std::chrono::milliseconds after, std::function<void()> then) = 0;

  /// What was set does not come.
  virtual void cancel() = 0;
};

/// By the machine's steady clock.
std::unique_ptr<Alarm> make_alarm(boost::asio::io_context& io);

}  // namespace ringtrace::redis
