#include "tests/redis/redis_topology.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "tests/redis/support.h"

namespace ringtrace::test {

RedisSentinel::RedisSentinel(const RedisServer& master)
    : RedisServer({}, Start::kLater), master_port_(master.tcp_endpoint().port) {
  start();
}

std::vector<std::string> RedisSentinel::arguments() const {
  const std::string file = (directory() / "sentinel.conf").string();
  std::ofstream(file) << "port " << tcp_endpoint().port << "\nbind 127.0.0.1\nunixsocket "
                      << unix_endpoint().unix_path << "\ndir " << directory().string() << "\nlogfile "
                      << (directory() / "log").string() << "\nsentinel monitor leases 127.0.0.1 "
                      << master_port_
                      << " 1\nsentinel down-after-milliseconds leases 500\n"
                         "sentinel failover-timeout leases 3000\n";
  return {"redis-server", file, "--sentinel"};
}

RedisCluster::RedisCluster() {
  for (auto& node : nodes_) {
    node = std::make_unique<RedisServer>(
        std::vector<std::string>{"--cluster-enabled", "yes", "--cluster-port", std::to_string(free_port()),
                                 "--cluster-node-timeout", "1000"});
  }
  for (std::size_t i = 0; i < kNodes; ++i) {
    const std::size_t first = kSlots * i / kNodes;
    const std::size_t end = kSlots * (i + 1) / kNodes;
    nodes_[i]->command({"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(end - 1)});
    // No two may think they have the same age.
    nodes_[i]->command({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
  }
  for (std::size_t i = 1; i < kNodes; ++i) {
    const std::string port = std::to_string(nodes_[i]->tcp_endpoint().port);
    const std::string bus = nodes_[i]->command({"CONFIG", "GET", "cluster-port"}).elements.at(1).text;
    nodes_[0]->command({"CLUSTER", "MEET", "127.0.0.1", port, bus});
  }
  if (!eventually([this] { return is_whole(); })) throw std::runtime_error("the cluster did not form");
}

bool RedisCluster::is_whole() const {
  for (const auto& node : nodes_) {
    const std::string info = node->command({"CLUSTER", "INFO"}).text;
    if (info.find("cluster_state:ok") == std::string::npos) return false;
    if (info.find("cluster_known_nodes:3") == std::string::npos) return false;
  }
  return true;
}

std::string RedisCluster::id(std::size_t i) const { return nodes_[i]->command({"CLUSTER", "MYID"}).text; }

redis::Endpoint RedisCluster::endpoint(std::size_t i) const {
  return {{}, "127.0.0.1", nodes_[i]->tcp_endpoint().port};
}

long long RedisCluster::slot_of(const std::string& key) const {
  return nodes_[0]->command({"CLUSTER", "KEYSLOT", key}).integer;
}

std::size_t RedisCluster::owner_of(const std::string& key) const {
  for (std::size_t i = 0; i < kNodes; ++i) {
    if (!nodes_[i]->command({"EXISTS", key}).is_error()) return i;
  }
  throw std::runtime_error("no node has the slot");
}

void RedisCluster::begin_move(const std::string& key, std::size_t to) {
  const std::size_t from = owner_of(key);
  const std::string slot = std::to_string(slot_of(key));
  nodes_[to]->command({"CLUSTER", "SETSLOT", slot, "IMPORTING", id(from)});
  nodes_[from]->command({"CLUSTER", "SETSLOT", slot, "MIGRATING", id(to)});
}

void RedisCluster::finish_move(const std::string& key, std::size_t from, std::size_t to) {
  const std::string slot = std::to_string(slot_of(key));
  const std::string port = std::to_string(nodes_[to]->tcp_endpoint().port);
  for (const redis::Reply& each :
       nodes_[from]->command({"CLUSTER", "GETKEYSINSLOT", slot, "1000"}).elements) {
    nodes_[from]->command({"MIGRATE", "127.0.0.1", port, each.text, "0", "5000"});
  }
  for (auto& node : nodes_) node->command({"CLUSTER", "SETSLOT", slot, "NODE", id(to)});
}

Certificate::Certificate() {
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=redis "
      "-addext subjectAltName=IP:127.0.0.1 -keyout " +
      key_file() + " -out " + certificate_file() + " 2>/dev/null";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl failed");
}

}  // namespace ringtrace::test
