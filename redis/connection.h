#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "redis/alarm.h"
#include "redis/command.h"
#include "redis/options.h"
#include "redis/reply.h"

namespace boost::asio {
class io_context;
}

namespace ringtrace::redis {

/// What became of one command.
enum class Outcome : std::uint8_t {
  kReplied,      ///< `reply` is Redis' answer, which may be an error
  kUnavailable,  ///< never sent: not connected, or too much is waiting already
  kInDoubt,      ///< sent, and the connection ended before the reply: carried out or not
};

struct Answer {
  Outcome outcome = Outcome::kUnavailable;
  Reply reply;
  std::string detail;  ///< why there is no reply; for the log
};

/// Takes the answer, exactly once. Must not block or throw.
using Handler = std::function<void(Answer)>;

/// Sends a command of the preparation, ahead of everybody else's.
using Send = std::function<void(Command, Handler)>;

/// Readies a fresh connection before anyone may use it; calls `done` once, with an empty text when ready,
/// else with the reason to give this connection up and try again later.
using Prepare = std::function<void(Send send, std::function<void(std::string problem)> done)>;

/// Figures of a connection since start.
struct ConnectionStats {
  /// Upper bounds of the round-trip buckets in microseconds; the last bucket has none.
  static constexpr std::array<std::int64_t, 13> kBoundsMicros = {
      100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000};

  bool ready = false;
  std::uint64_t waiting = 0;        ///< commands not sent yet
  std::uint64_t in_flight = 0;      ///< commands sent, not answered yet
  std::uint64_t waiting_bytes = 0;  ///< encoded bytes of both
  std::uint64_t commands = 0;       ///< sent
  std::uint64_t writes = 0;         ///< system-level writes they left in
  std::uint64_t replies = 0;
  std::uint64_t overflows = 0;    ///< commands turned away at the limits
  std::uint64_t unavailable = 0;  ///< commands turned away, or dropped before sending, while not connected
  std::uint64_t in_doubt = 0;     ///< commands sent and never answered
  std::uint64_t connects = 0;     ///< times it became ready
  std::uint64_t failures = 0;     ///< attempts that failed, and connections lost
  std::uint64_t timeouts = 0;     ///< of these, because a command was overdue
  std::uint64_t bytes_out = 0;
  std::array<std::uint64_t, kBoundsMicros.size() + 1> round_trips{};  ///< by bucket, sending to reply
  std::uint64_t round_trip_sum_micros = 0;
  std::uint64_t round_trip_max_micros = 0;

  /// Adds another connection's figures; `ready` is left.
  void add(const ConnectionStats& other);
};

/// A pipelined connection to Redis that comes back by itself: to one server, to the master that Sentinel
/// names (also when that changes), or to all masters of a Redis Cluster.
///
///     Connection connection(io, options, prepare_server(log), log);
///     connection.on_state([](bool ready, const std::string& reason) { ... });
///     connection.start();
///     connection.execute(Command({"PING"}), [](Answer answer) { ... });
///
/// Commands go out in the order of the calls; all that are given within one turn of the loop leave in one
/// write. Nothing is sent twice: a command is answered kInDoubt instead, and whoever knows it to be
/// idempotent sends it again.
///
/// In a cluster a command goes to the node of its slot (Command::slot), and each node is as above: the order
/// holds for the commands of one slot, unless that slot is just moving from one node to another. It is ready
/// when every slot has a master that is ready; a command that a node sends elsewhere (MOVED, ASK) follows.
///
/// `execute` and `stats` may be called from any thread; all callbacks come on the io thread, but for commands
/// that are turned away, whose handler is called from inside `execute`. Destroy it on the io thread or when
/// no thread runs the loop; what is still unanswered is then answered without a reply.
class Connection {
 public:
  using StateListener = std::function<void(bool ready, const std::string& reason)>;

  /// Throws boost::system::system_error when a file of the TLS options cannot be read.
  Connection(boost::asio::io_context& io, ConnectionOptions options, Prepare prepare, Log log);

  class Kind;
  /// Of a kind of one's own: a simulation's.
  Connection(boost::asio::io_context& io, std::shared_ptr<Kind> kind);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Adds a listener: called with true when ready, with false and the reason when lost, and after the first
  /// attempt that fails. Before `start` only.
  void on_state(StateListener listener);

  /// Begins to connect, for good.
  void start();

  /// Sends a command.
  void execute(Command command, Handler handler);

  /// Gives the present connection up and makes a new one.
  void reset(std::string reason);

  bool ready() const;
  ConnectionStats stats() const;
  boost::asio::io_context& io() const;

  /// For what is done on the loop beside the connection's commands, by the connection's own time.
  std::unique_ptr<Alarm> make_alarm() const;

  /// What all kinds have in common; internal to the room.
  class Kind {
   public:
    virtual ~Kind() = default;
    virtual void add_listener(StateListener listener) = 0;
    virtual void start() = 0;
    /// Ends it for good; what is unanswered is answered.
    virtual void stop() = 0;
    virtual void execute(Command command, Handler handler) = 0;
    virtual void reset(std::string reason) = 0;
    virtual bool ready() const = 0;
    virtual ConnectionStats stats() const = 0;
    virtual std::unique_ptr<Alarm> make_alarm(boost::asio::io_context& io) { return redis::make_alarm(io); }
  };

 private:
  boost::asio::io_context& io_;
  const std::shared_ptr<Kind> kind_;
};

}  // namespace ringtrace::redis
