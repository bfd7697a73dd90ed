#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "redis/connection.h"
#include "tests/store/process.h"
#include "tests/store/simulated_redis.h"

namespace ringtrace::store_test {

/// A gateway's connection to the simulated store: what redis/node_connection.h promises, with every delay and
/// loss that a network, a server and a slow reader can bring.
class SimulatedConnection final : public redis::Connection::Kind,
                                  public std::enable_shared_from_this<SimulatedConnection> {
 public:
  /// After which a command is overdue and the connection given up.
  static constexpr std::chrono::milliseconds kCommandTimeout{600};

  SimulatedConnection(VirtualTime& time, Dice& dice, FaultCounts& faults, SimulatedRedis& redis,
                      std::shared_ptr<Process> process)
      : time_(time), dice_(dice), faults_(faults), redis_(redis), process_(std::move(process)) {}

  void add_listener(redis::Connection::StateListener listener) override {
    listeners_.push_back(std::move(listener));
  }
  void start() override { attempt_after(std::chrono::milliseconds(1)); }
  void stop() override;
  void execute(redis::Command command, redis::Handler handler) override;
  void reset(std::string reason) override;
  bool ready() const override { return ready_; }
  redis::ConnectionStats stats() const override { return {}; }
  std::unique_ptr<redis::Alarm> make_alarm(boost::asio::io_context&) override {
    return std::make_unique<SimulatedAlarm>(process_);
  }

  /// The other end or the way to it is gone.
  void lose(const std::string& reason);
  bool is_open() const { return link_ != nullptr; }

  /// Nothing reaches the store for so long.
  void cut_off(pool::Duration time);

 private:
  struct Sent {
    std::uint64_t serial;
    redis::Handler handler;
    bool done = false;
    bool lost = false;
  };

  void attempt_after(std::chrono::milliseconds time);
  void attempt();
  void prepared(const std::shared_ptr<Link>& link);
  void failed(const std::string& reason);
  void arrive(const std::shared_ptr<Link>& link, const std::shared_ptr<Sent>& sent,
              std::vector<std::string> words, bool late);
  void replied(const std::shared_ptr<Link>& link, redis::Reply reply);
  void check_overdue(const std::shared_ptr<Link>& link, std::uint64_t serial);
  std::chrono::milliseconds delay();

  VirtualTime& time_;
  Dice& dice_;
  FaultCounts& faults_;
  SimulatedRedis& redis_;
  const std::shared_ptr<Process> process_;
  std::vector<redis::Connection::StateListener> listeners_;

  std::shared_ptr<Link> link_;
  std::shared_ptr<Link> previous_;
  std::deque<std::shared_ptr<Sent>> sent_;
  std::uint64_t serial_ = 0;
  pool::Time cut_off_until_{};
  std::chrono::milliseconds back_off_{50};
  bool ready_ = false;
  bool told_lost_ = false;
  bool stopped_ = false;
};

}  // namespace ringtrace::store_test
