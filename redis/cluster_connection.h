#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "redis/node_connection.h"

namespace ringtrace::redis {

/// The connections to all masters of a Redis Cluster. Internal to the room; see Connection.
///
/// Which node has which slot is asked for with CLUSTER SLOTS: at the start, whenever a node is lost, and when
/// a node answers MOVED. Redis Cluster specification, "MOVED Redirection", "ASK redirection".
class ClusterConnection final : public Connection::Kind,
                                public std::enable_shared_from_this<ClusterConnection> {
 public:
  using StateListener = Connection::StateListener;

  static constexpr std::size_t kSlots = 16'384;
  /// A command that has been sent on more often is answered with what the last node said.
  static constexpr int kMostHops = 5;
  /// Masters known at one time; a map that names more is not taken.
  static constexpr std::size_t kMostNodes = 1'000;

  ClusterConnection(boost::asio::io_context& io, ConnectionOptions options, Prepare prepare, Log log);

  void add_listener(StateListener listener) override { listeners_.push_back(std::move(listener)); }
  void start() override;
  void stop() override;
  void execute(Command command, Handler handler) override;
  void reset(std::string reason) override;
  bool ready() const override;
  ConnectionStats stats() const override;

 private:
  using NodePtr = std::shared_ptr<NodeConnection>;

  struct Trip {
    Command command;
    Handler handler;
    int hops = 0;
  };
  using TripPtr = std::shared_ptr<Trip>;

  NodePtr node_of(std::optional<std::uint16_t> slot) const;
  void send(const NodePtr& node, const TripPtr& trip, bool asking);
  void answered(const TripPtr& trip, Answer answer);
  bool sent_on(const TripPtr& trip, const Reply& error);

  void refresh();
  void refreshed(const Reply& reply, const Endpoint& from);
  void refresh_later();
  NodePtr add_node(const std::string& name, const Endpoint& endpoint);
  void node_changed(const std::string& name, bool ready, const std::string& reason);
  void tell();
  std::vector<Endpoint> whom_to_ask() const;

  // Constant after construction (listeners: after start).
  boost::asio::io_context& io_;
  const ConnectionOptions options_;
  const TlsContext tls_;
  const Prepare prepare_;
  const Log log_;
  std::vector<StateListener> listeners_;

  // Own synchronization.
  mutable std::mutex mutex_;
  std::map<std::string, NodePtr> nodes_;  // by mutex_; by "host:port"
  std::array<NodePtr, kSlots> slots_;     // by mutex_
  bool ready_ = false;                    // by mutex_

  // The io thread only.
  std::map<std::string, Endpoint> endpoints_;  ///< of the nodes
  bool stopped_ = false;
  bool refreshing_ = false;
  bool told_lost_ = false;
  std::string problem_ = "not connected";
  boost::asio::steady_timer refresh_timer_;
};

}  // namespace ringtrace::redis
