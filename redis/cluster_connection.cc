#include "redis/cluster_connection.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <charconv>
#include <set>
#include <utility>

#include "redis/inquiry.h"

namespace ringtrace::redis {
namespace {

namespace asio = boost::asio;

// Between two looks at the map while it is not whole.
constexpr std::chrono::milliseconds kLookAgain{200};

/// Of "MOVED 3999 127.0.0.1:6381" or "ASK ...".
struct Redirection {
  bool asking = false;
  std::uint16_t slot = 0;
  std::string node;
};

std::optional<Redirection> parse_redirection(const std::string& error) {
  const bool asking = error.starts_with("ASK ");
  if (!asking && !error.starts_with("MOVED ")) return std::nullopt;
  const auto slot_at = error.find(' ') + 1;
  const auto node_at = error.find(' ', slot_at);
  Redirection to;
  to.asking = asking;
  const auto [stop, problem] = std::from_chars(error.data() + slot_at, error.data() + error.size(), to.slot);
  if (node_at == std::string::npos || problem != std::errc{} || to.slot >= ClusterConnection::kSlots) {
    return std::nullopt;
  }
  to.node = error.substr(node_at + 1);
  return to;
}

}  // namespace

ClusterConnection::ClusterConnection(asio::io_context& io, ConnectionOptions options, Prepare prepare,
                                     Log log)
    : io_(io),
      options_(std::move(options)),
      tls_(make_tls_context(options_.tls)),
      prepare_(std::move(prepare)),
      log_(std::move(log)),
      refresh_timer_(io) {}

void ClusterConnection::start() {
  asio::post(io_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->refresh();
  });
}

void ClusterConnection::stop() {
  stopped_ = true;
  refresh_timer_.cancel();
  std::map<std::string, NodePtr> nodes;
  {
    const std::lock_guard lock(mutex_);
    ready_ = false;
    nodes.swap(nodes_);
    slots_.fill(nullptr);
  }
  for (const auto& [name, node] : nodes) node->stop();
}

// --- commands

ClusterConnection::NodePtr ClusterConnection::node_of(std::optional<std::uint16_t> slot) const {
  const std::lock_guard lock(mutex_);
  if (slot) return slots_[*slot];
  return nodes_.empty() ? nullptr : nodes_.begin()->second;
}

void ClusterConnection::execute(Command command, Handler handler) {
  const NodePtr node = node_of(command.slot());
  if (!node) return handler({Outcome::kUnavailable, {}, "not connected"});
  send(node, std::make_shared<Trip>(Trip{std::move(command), std::move(handler)}), false);
}

void ClusterConnection::send(const NodePtr& node, const TripPtr& trip, bool asking) {
  auto answered_by = [weak = weak_from_this(), trip](Answer answer) {
    if (const auto self = weak.lock()) return self->answered(trip, std::move(answer));
    trip->handler(std::move(answer));
  };
  if (asking) return node->execute_asking(trip->command, std::move(answered_by));
  node->execute(trip->command, std::move(answered_by));
}

void ClusterConnection::answered(const TripPtr& trip, Answer answer) {
  const bool lost = stopped_ || answer.outcome != Outcome::kReplied || !answer.reply.is_error();
  if (!lost && sent_on(trip, answer.reply)) return;
  trip->handler(std::move(answer));
}

bool ClusterConnection::sent_on(const TripPtr& trip, const Reply& error) {
  const std::optional<Redirection> to = parse_redirection(error.text);
  if (!to) return false;
  NodePtr node;
  {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(to->node);
    if (found != nodes_.end()) node = found->second;
    if (node && !to->asking) slots_[to->slot] = node;
  }
  if (!to->asking) refresh();
  if (++trip->hops > kMostHops) return false;
  if (node) {
    send(node, trip, to->asking);
  } else {
    // It is about to be connected; whoever sent this may send it again.
    trip->handler({Outcome::kUnavailable, {}, error.text});
  }
  return true;
}

// --- the map

std::vector<Endpoint> ClusterConnection::whom_to_ask() const {
  std::vector<Endpoint> all;
  for (const auto& [name, endpoint] : endpoints_) all.push_back(endpoint);
  all.insert(all.end(), options_.cluster.begin(), options_.cluster.end());
  return all;
}

void ClusterConnection::refresh() {
  if (stopped_ || std::exchange(refreshing_, true)) return;
  Inquiry inquiry;
  inquiry.servers = whom_to_ask();
  inquiry.tls = tls_;
  inquiry.user = options_.user;
  inquiry.password = options_.password;
  inquiry.patience = options_.connect_timeout / 4;
  inquiry.question = Command({"CLUSTER", "SLOTS"}).bytes();
  inquiry.accept = [](const Reply& reply) { return !reply.elements.empty(); };
  inquiry.answered = [weak = weak_from_this()](const Reply& reply, const Endpoint& from) {
    if (const auto self = weak.lock()) self->refreshed(reply, from);
  };
  inquiry.failed = [weak = weak_from_this()](std::string problem) {
    const auto self = weak.lock();
    if (!self) return;
    self->refreshing_ = false;
    self->problem_ = "cluster: " + std::move(problem);
    self->tell();
    self->refresh_later();
  };
  inquire(io_, std::move(inquiry));
}

/// Each element: first slot, last slot, master, replicas; a node is its address, port and more.
void ClusterConnection::refreshed(const Reply& reply, const Endpoint& from) {
  refreshing_ = false;
  if (stopped_) return;
  std::array<NodePtr, kSlots> slots;
  std::set<std::string> masters;
  for (const Reply& range : reply.elements) {
    if (range.elements.size() < 3 || range.elements[2].elements.size() < 2) continue;
    const auto first = range.elements[0].as_integer().value_or(-1);
    const auto last = range.elements[1].as_integer().value_or(-1);
    const std::vector<Reply>& master = range.elements[2].elements;
    const auto port = master[1].as_integer().value_or(0);
    if (first < 0 || last < first || last >= static_cast<std::int64_t>(kSlots) || port <= 0 || port > 65'535)
      continue;
    // A node that does not know its own address leaves it out.
    const Endpoint endpoint{
        {}, master[0].text.empty() ? from.host : master[0].text, static_cast<std::uint16_t>(port)};
    const std::string name = to_string(endpoint);
    if (masters.size() >= kMostNodes && !masters.contains(name)) continue;
    masters.insert(name);
    const NodePtr node = add_node(name, endpoint);
    for (auto slot = first; slot <= last; ++slot) slots[static_cast<std::size_t>(slot)] = node;
  }
  std::vector<NodePtr> gone;
  {
    const std::lock_guard lock(mutex_);
    slots_ = std::move(slots);
    for (auto node = nodes_.begin(); node != nodes_.end();) {
      if (masters.contains(node->first)) {
        ++node;
        continue;
      }
      gone.push_back(node->second);
      endpoints_.erase(node->first);
      node = nodes_.erase(node);
    }
  }
  for (const NodePtr& node : gone) node->stop();
  tell();
}

ClusterConnection::NodePtr ClusterConnection::add_node(const std::string& name, const Endpoint& endpoint) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = nodes_.find(name); found != nodes_.end()) return found->second;
  }
  ConnectionOptions options = options_;
  options.endpoint = endpoint;
  options.cluster.clear();
  options.database = 0;
  auto node = std::make_shared<NodeConnection>(io_, std::move(options), prepare_, log_);
  node->add_listener([weak = weak_from_this(), name](bool ready, const std::string& reason) {
    if (const auto self = weak.lock()) self->node_changed(name, ready, reason);
  });
  endpoints_[name] = endpoint;
  const std::lock_guard lock(mutex_);
  nodes_[name] = node;
  node->start();
  return node;
}

void ClusterConnection::node_changed(const std::string& name, bool ready, const std::string& reason) {
  if (stopped_) return;
  if (!ready) problem_ = name + ": " + reason;
  tell();
}

/// Tells the listeners when all slots have a master that is ready, and when that is so no more.
void ClusterConnection::tell() {
  bool whole = true;
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    whole = std::all_of(slots_.begin(), slots_.end(), [](const NodePtr& node) { return node != nullptr; }) &&
            std::all_of(nodes_.begin(), nodes_.end(), [](const auto& each) { return each.second->ready(); });
    changed = std::exchange(ready_, whole) != whole;
  }
  if (!whole) refresh_later();
  if (whole && changed) {
    told_lost_ = false;
    for (const StateListener& listener : listeners_) listener(true, {});
  } else if (!whole && problem_ != "not connected" && !std::exchange(told_lost_, true)) {
    for (const StateListener& listener : listeners_) listener(false, problem_);
  }
}

void ClusterConnection::refresh_later() {
  refresh_timer_.expires_after(kLookAgain);
  refresh_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && !self->ready()) self->refresh();
  });
}

// --- all nodes

void ClusterConnection::reset(std::string reason) {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, node] : nodes_) node->reset(reason);
}

bool ClusterConnection::ready() const {
  const std::lock_guard lock(mutex_);
  return ready_;
}

ConnectionStats ClusterConnection::stats() const {
  ConnectionStats sum;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, node] : nodes_) sum.add(node->stats());
  sum.ready = ready_;
  return sum;
}

}  // namespace ringtrace::redis
