#pragma once

#include <poll.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pool/time.h"
#include "redis/connection.h"
#include "redis/functions.h"

namespace ringtrace::test {

/// How long a test waits for something that must happen.
inline constexpr std::chrono::seconds kPatience{20};

/// Values that come from another thread, taken in order.
template <typename T>
class Inbox {
 public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }

  /// The next value; throws when none comes in time.
  T take() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [this] { return !values_.empty(); })) {
      throw std::runtime_error("nothing came");
    }
    T value = std::move(values_.front());
    values_.pop_front();
    return value;
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> values_;
};

/// The machine's clock once: expiries of keys are real, so tests of the store stand near the present.
inline pool::Time present() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// Waits until the condition holds; false when it does not in time.
inline bool eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    poll(nullptr, 0, 1);
  }
  return true;
}

/// An io thread.
class Loop {
 public:
  Loop() : guard_(io_.get_executor()), thread_([this] { io_.run(); }) {}
  ~Loop() { stop(); }

  boost::asio::io_context& io() { return io_; }

  /// After this no callback comes, and what lives on the loop may be destroyed.
  void stop() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::thread thread_;
};

/// A connection on a loop of its own, with its states and log lines kept.
class Client {
 public:
  struct State {
    bool ready = false;
    std::string reason;
  };

  explicit Client(redis::ConnectionOptions options, bool prepare = true) {
    const redis::Log log = [this](redis::LogLevel, std::string_view line) { lines.put(std::string(line)); };
    connection_ = std::make_unique<redis::Connection>(
        loop_.io(), std::move(options), prepare ? redis::prepare_server(log) : redis::Prepare{}, log);
    connection_->on_state([this](bool ready, const std::string& reason) { states.put({ready, reason}); });
  }

  ~Client() { loop_.stop(); }

  /// Options for a server, with times short enough for a test.
  static redis::ConnectionOptions options_for(redis::Endpoint endpoint) {
    redis::ConnectionOptions options;
    options.endpoint = std::move(endpoint);
    options.command_timeout = std::chrono::seconds(10);
    options.connect_timeout = std::chrono::seconds(10);
    options.least_back_off = std::chrono::milliseconds(5);
    options.most_back_off = std::chrono::milliseconds(40);
    return options;
  }

  redis::Connection& connection() { return *connection_; }
  Loop& loop() { return loop_; }

  void start() { connection_->start(); }
  void start_and_wait() {
    start();
    wait_for(true);
  }

  /// Takes states until one is as asked.
  State wait_for(bool ready) {
    for (;;) {
      State state = states.take();
      if (state.ready == ready) return state;
    }
  }

  /// Sends a command and waits for what becomes of it.
  redis::Answer run(redis::Command command) {
    Inbox<redis::Answer> answer;
    connection_->execute(std::move(command), [&answer](redis::Answer got) { answer.put(std::move(got)); });
    return answer.take();
  }

  Inbox<State> states;
  Inbox<std::string> lines;

 private:
  Loop loop_;
  std::unique_ptr<redis::Connection> connection_;
};

}  // namespace ringtrace::test
