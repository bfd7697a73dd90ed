#include "redis/connection.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <utility>

#include "redis/cluster_connection.h"
#include "redis/node_connection.h"

namespace ringtrace::redis {
namespace {

std::shared_ptr<Connection::Kind> make_kind(boost::asio::io_context& io, ConnectionOptions options,
                                            Prepare prepare, Log log) {
  if (!options.cluster.empty()) {
    return std::make_shared<ClusterConnection>(io, std::move(options), std::move(prepare), std::move(log));
  }
  return std::make_shared<NodeConnection>(io, std::move(options), std::move(prepare), std::move(log));
}

}  // namespace

std::string to_string(const Endpoint& endpoint) {
  if (!endpoint.unix_path.empty()) return "unix:" + endpoint.unix_path;
  return endpoint.host + ":" + std::to_string(endpoint.port);
}

void ConnectionStats::add(const ConnectionStats& other) {
  for (auto field : {&ConnectionStats::waiting, &ConnectionStats::in_flight, &ConnectionStats::waiting_bytes,
                     &ConnectionStats::commands, &ConnectionStats::writes, &ConnectionStats::replies,
                     &ConnectionStats::overflows, &ConnectionStats::unavailable, &ConnectionStats::in_doubt,
                     &ConnectionStats::connects, &ConnectionStats::failures, &ConnectionStats::timeouts,
                     &ConnectionStats::bytes_out, &ConnectionStats::round_trip_sum_micros}) {
    this->*field += other.*field;
  }
  for (std::size_t i = 0; i < round_trips.size(); ++i) round_trips[i] += other.round_trips[i];
  round_trip_max_micros = std::max(round_trip_max_micros, other.round_trip_max_micros);
}

Connection::Connection(boost::asio::io_context& io, ConnectionOptions options, Prepare prepare, Log log)
    : io_(io), kind_(make_kind(io, std::move(options), std::move(prepare), std::move(log))) {}

Connection::Connection(boost::asio::io_context& io, std::shared_ptr<Kind> kind)
    : io_(io), kind_(std::move(kind)) {}

Connection::~Connection() { kind_->stop(); }

void Connection::on_state(StateListener listener) { kind_->add_listener(std::move(listener)); }
void Connection::start() { kind_->start(); }
void Connection::execute(Command command, Handler handler) {
  kind_->execute(std::move(command), std::move(handler));
}
void Connection::reset(std::string reason) { kind_->reset(std::move(reason)); }
bool Connection::ready() const { return kind_->ready(); }
ConnectionStats Connection::stats() const { return kind_->stats(); }
boost::asio::io_context& Connection::io() const { return io_; }
std::unique_ptr<Alarm> Connection::make_alarm() const { return kind_->make_alarm(io_); }

}  // namespace ringtrace::redis
