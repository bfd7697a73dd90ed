#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "redis/connection.h"
#include "redis/connection_meter.h"
#include "redis/link.h"

namespace ringtrace::redis {

/// The connection to one server, given or named by Sentinel. Internal to the room; see Connection.
class NodeConnection final : public Connection::Kind, public std::enable_shared_from_this<NodeConnection> {
 public:
  using StateListener = Connection::StateListener;

  NodeConnection(boost::asio::io_context& io, ConnectionOptions options, Prepare prepare, Log log);

  void add_listener(StateListener listener) override { listeners_.push_back(std::move(listener)); }
  void start() override;
  void stop() override;
  void execute(Command command, Handler handler) override {
    execute_all({}, std::move(command), std::move(handler));
  }
  void reset(std::string reason) override;
  bool ready() const override;
  ConnectionStats stats() const override;

  /// Sends ASKING and, right behind it, the command: how a cluster's node takes what is not its own yet.
  void execute_asking(Command command, Handler handler);

 private:
  using SteadyClock = std::chrono::steady_clock;

  struct Waiting {
    std::string bytes;
    Handler handler;
  };
  struct Sent {
    Handler handler;
    SteadyClock::time_point at;
    std::size_t size;
  };

  void execute_all(std::optional<Command> before, Command command, Handler handler);
  void enqueue(Waiting waiting);
  void flush();
  void replied(Reply reply);
  void arm_overdue();
  void wait_overdue(SteadyClock::time_point until);
  void check_overdue();

  void attempt();
  void find_master(const std::function<void(const Endpoint&)>& found,
                   const std::function<void(std::string)>& failed);
  void connect(std::uint64_t serial, const Endpoint& endpoint);
  void greet();
  void check_role();
  void watch_master();
  void send_first(Command command, Handler handler);
  void prepared(std::uint64_t serial, std::string problem);
  void lost(std::string reason);
  std::chrono::milliseconds jittered();
  void answer_all(const std::string& reason);
  template <typename Then>
  void wait_then(std::chrono::milliseconds time, Then then);
  void say(LogLevel level, const std::string& line) const;

  // Constant after construction (listeners: after start).
  boost::asio::io_context& io_;
  const ConnectionOptions options_;
  const TlsContext tls_;
  const Prepare prepare_;
  const Log log_;
  std::vector<StateListener> listeners_;

  // Own synchronization.
  ConnectionMeter meter_;
  mutable std::mutex mutex_;
  bool ready_ = false;            // by mutex_
  std::vector<Waiting> waiting_;  // by mutex_
  std::atomic<std::uint64_t> link_serial_{0};

  // The io thread only.
  std::shared_ptr<Link> link_;
  Endpoint endpoint_;  ///< of the link
  bool connected_ = false;
  bool stopped_ = false;
  bool told_lost_ = false;
  std::string told_reason_;
  bool overdue_armed_ = false;
  std::deque<Sent> sent_;
  boost::asio::steady_timer overdue_timer_;
  boost::asio::steady_timer attempt_timer_;
  boost::asio::steady_timer watch_timer_;
  std::chrono::milliseconds back_off_;
  std::minstd_rand random_;
};

}  // namespace ringtrace::redis
