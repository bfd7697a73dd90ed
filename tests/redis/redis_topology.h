#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "redis/options.h"
#include "tests/redis/redis_server.h"
#include "tests/temporary_directory.h"

namespace ringtrace::test {

/// A redis-sentinel that watches one master, by the name "leases", and alone decides that it is down (after
/// half a second).
class RedisSentinel : public RedisServer {
 public:
  explicit RedisSentinel(const RedisServer& master);

 protected:
  std::vector<std::string> arguments() const override;

 private:
  const std::uint16_t master_port_;
};

/// A Redis Cluster of three masters.
class RedisCluster {
 public:
  static constexpr std::size_t kNodes = 3;
  static constexpr unsigned kSlots = 16'384;

  /// Returns when all slots are served.
  RedisCluster();

  RedisServer& node(std::size_t i) { return *nodes_[i]; }
  std::string id(std::size_t i) const;
  redis::Endpoint endpoint(std::size_t i) const;

  /// Which node has the slot of a key, by the cluster's own word; and that slot.
  std::size_t owner_of(const std::string& key) const;
  long long slot_of(const std::string& key) const;

  /// Begins to move the slot of the key to another node: new keys are asked for there.
  void begin_move(const std::string& key, std::size_t to);
  /// Moves the slot's keys, and ends the move.
  void finish_move(const std::string& key, std::size_t from, std::size_t to);

 private:
  bool is_whole() const;

  std::array<std::unique_ptr<RedisServer>, kNodes> nodes_;
};

/// A key and a certificate for 127.0.0.1 that vouches for itself, as files that go with the object.
class Certificate {
 public:
  Certificate();

  std::string certificate_file() const { return (directory_.path() / "certificate.pem").string(); }
  std::string key_file() const { return (directory_.path() / "key.pem").string(); }

 private:
  const TemporaryDirectory directory_;
};

}  // namespace ringtrace::test
