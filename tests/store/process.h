#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "redis/alarm.h"
#include "tests/store/virtual_time.h"

namespace ringtrace::store_test {

/// A process as the system sees it: it can be stopped, go on, and be killed between any two steps.
class Process : public std::enable_shared_from_this<Process> {
 public:
  using Task = VirtualTime::Task;

  explicit Process(VirtualTime& time) : time_(time) {}

  bool alive() const { return alive_; }
  bool paused() const { return paused_until_ > time_.now(); }
  boost::asio::io_context& io() { return io_; }

  /// Does the task then, if it lives, or when it goes on.
  void after(pool::Duration time, Task task) {
    time_.after(
        time, [self = shared_from_this(), task = std::move(task)]() mutable { self->run(std::move(task)); });
  }

  void run(Task task) {
    if (!alive_) return;
    if (paused())
      return time_.at(paused_until_, [self = shared_from_this(), task = std::move(task)]() mutable {
        self->run(std::move(task));
      });
    task();
    io_.restart();
    io_.poll();
  }

  /// Not while it is stopped: what waits goes on in its order.
  void pause(pool::Duration time) {
    if (!paused()) paused_until_ = time_.now() + time;
  }

  /// Called where a kill may come between two steps: false when it has come.
  bool passes() {
    if (alive_ && steps_left_ > 0 && --steps_left_ == 0) kill();
    return alive_;
  }
  void kill_after(std::uint64_t steps) { steps_left_ = steps; }

  void kill() {
    if (!std::exchange(alive_, false)) return;
    if (killed) killed();
  }

  std::function<void()> killed;

 private:
  VirtualTime& time_;
  boost::asio::io_context io_;
  pool::Time paused_until_{};
  std::uint64_t steps_left_ = 0;
  bool alive_ = true;
};

class SimulatedAlarm final : public redis::Alarm {
 public:
  explicit SimulatedAlarm(std::shared_ptr<Process> process) : process_(std::move(process)) {}

  void set(std::chrono::milliseconds after, std::function<void()> then) override {
    process_->after(after, [turns = std::weak_ptr(turns_), turn = ++*turns_, then = std::move(then)] {
      const auto current = turns.lock();
      if (current && *current == turn) then();
    });
  }
  void cancel() override { ++*turns_; }

 private:
  const std::shared_ptr<Process> process_;
  const std::shared_ptr<std::uint64_t> turns_ = std::make_shared<std::uint64_t>(0);
};

}  // namespace ringtrace::store_test
