#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace ringtrace::crash {

/// A ringtraced of the test's own, in a directory and on ports that stay the same over its lives. It dies
/// with the object, and with the test.
class GatewayProcess {
 public:
  struct Settings {
    std::filesystem::path program;    ///< ringtraced
    std::filesystem::path directory;  ///< configuration, state and log are in it
    std::string redis_socket;         ///< a path
    std::string pools;                ///< the [[pool]] tables
  };

  explicit GatewayProcess(Settings settings);
  ~GatewayProcess();
  GatewayProcess(const GatewayProcess&) = delete;
  GatewayProcess& operator=(const GatewayProcess&) = delete;

  /// Starts it, and returns at once.
  void start();

  /// kill -9.
  void kill();

  /// SIGSTOP and SIGCONT.
  void pause();
  void resume();

  /// Asks for a page; the body when the answer is 200, else nothing.
  std::string page(const std::string& path) const;

  /// True once /readyz answers 200: Redis is there and the leases are reloaded. Throws when it has ended.
  bool ready();

  std::string grpc_address() const { return "127.0.0.1:" + std::to_string(grpc_port_); }

  /// The end of its log.
  std::string log_tail() const;

 private:
  const Settings settings_;
  const std::uint16_t grpc_port_;
  const std::uint16_t http_port_;
  const std::uint16_t sip_port_;
  pid_t pid_ = -1;
};

}  // namespace ringtrace::crash
