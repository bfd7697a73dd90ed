#include "gateway/gateway.h"

#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "gateway/metrics_table.h"
#include "tests/gateway/client.h"
#include "tests/gateway/good_config.h"

namespace ringtrace::gateway {
namespace {

/// A configuration without a store whose ports are free ones.
Config memory_only() {
  const std::string text =
      "[grpc]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n" + std::string(kLeastConfig);
  return std::get<Config>(parse_config(text, "test.toml"));
}

/// A bound TCP or UDP port of the loopback.
class Taken {
 public:
  explicit Taken(int type) : socket_(socket(AF_INET, type, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(socket_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    if (type == SOCK_STREAM) REQUIRE(listen(socket_, 1) == 0);
    REQUIRE(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    endpoint = {"127.0.0.1", ntohs(address.sin_port)};
  }
  ~Taken() { ::close(socket_); }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;

  Endpoint endpoint;

 private:
  int socket_;
};

}  // namespace

TEST_CASE("a gateway without a store starts, is ready, tells its figures, and ends when asked") {
  std::ostringstream lines;
  std::uint64_t bytes = 0;  // of the pools' memory, by the metrics
  {
    const auto log = Log::to_stream(lines, LogLevel::kInfo, 1024);
    Gateway gateway(memory_only(), *log);
    const std::optional<std::string> problem = gateway.start();
    INFO(problem.value_or(""));
    REQUIRE_FALSE(problem.has_value());

    CHECK(http_get(gateway.http_address(), "/healthz").starts_with("HTTP/1.1 200 "));
    CHECK(http_get(gateway.http_address(), "/readyz").starts_with("HTTP/1.1 200 "));
    const std::string page = http_get(gateway.http_address(), "/metrics");
    CHECK(page.find("text/plain; version=0.0.4") != std::string::npos);
    // Those that need a store, a call to gRPC, a number lent before, or a trunk that registers
    // have no sample yet.
    const std::set<Metric> absent = {Metric::kGrpcErrors,
                                     Metric::kGrpcCertificateExpiry,
                                     Metric::kGrpcHandshakesFailed,
                                     Metric::kPoolOldestIdle,
                                     Metric::kPoolShown,
                                     Metric::kStoreConnected,
                                     Metric::kStoreConnects,
                                     Metric::kStoreFailures,
                                     Metric::kStoreQueue,
                                     Metric::kStoreQueueBytes,
                                     Metric::kStoreCommands,
                                     Metric::kStoreLost,
                                     Metric::kStoreRoundTrip,
                                     Metric::kStoreRoundTripMax,
                                     Metric::kGrpcRequests,
                                     Metric::kEventsSpoolBytes,
                                     Metric::kEventsUnspooled,
                                     Metric::kEventsRecovered,
                                     Metric::kCallsClosedByAge,
                                     Metric::kLateAttributions,
                                     Metric::kLateAttributionsWaiting,
                                     Metric::kHeldBack,
                                     Metric::kHeldBackUntil,
                                     Metric::kLeaseJournalBytes,
                                     Metric::kTrunkRegistered,
                                     Metric::kTrunkRegistrations};
    for (const MetricSpec& spec : metric_table()) {
      INFO(spec.name);
      const bool found = page.find("# TYPE " + std::string(spec.name) + " ") != std::string::npos;
      CHECK(found != absent.contains(spec.metric));
    }
    CHECK(page.find(R"(ringtrace_pool_numbers{pool="main",state="free"} 1)") != std::string::npos);
    const auto memory = page.find("\nringtrace_pool_memory_bytes ");
    REQUIRE(memory != std::string::npos);
    std::istringstream(page.substr(page.find(' ', memory))) >> bytes;

    gateway.stop();
    gateway.run([] { return std::variant<Config, Mistakes>(Mistakes("unused")); });
  }
  const std::string text = lines.str();
  INFO(text);
  CHECK(text.find("warning no [redis]: leases and call events live in memory") != std::string::npos);
  CHECK(bytes > 0);
  CHECK(text.find("info pools ready pools=1 numbers=1 bytes=" + std::to_string(bytes) + "\n") !=
        std::string::npos);
  CHECK(text.find("info ready grpc=127.0.0.1:") != std::string::npos);
  CHECK(text.find("info draining") < text.find("info stopped"));
}

TEST_CASE("a port in use is told with its key and address") {
  std::ostringstream lines;
  const auto log = Log::to_stream(lines, LogLevel::kError, 64);
  Config config = memory_only();
  SECTION("of HTTP") {
    const Taken taken(SOCK_STREAM);
    config.http.listen = taken.endpoint;
    CHECK(Gateway(config, *log).start() ==
          "[http] listen " + taken.endpoint.to_string() + ": Address already in use");
  }
  SECTION("of gRPC") {
    const Taken taken(SOCK_STREAM);
    config.grpc.listen = taken.endpoint;
    const std::string problem = Gateway(config, *log).start().value_or("");
    INFO(problem);
    CHECK(problem.starts_with("[grpc] listen: "));
    CHECK(problem.find(taken.endpoint.to_string()) != std::string::npos);
  }
  SECTION("of SIP") {
    const Taken taken(SOCK_DGRAM);
    config.sip.listen = {{sip::Transport::kUdp, taken.endpoint}};
    const std::string problem = Gateway(config, *log).start().value_or("");
    INFO(problem);
    CHECK(problem.starts_with("[sip] "));
    CHECK(problem.find(taken.endpoint.to_string()) != std::string::npos);
  }
}

TEST_CASE("a gateway that is told to end while it waits for the store ends") {
  std::ostringstream lines;
  const auto log = Log::to_stream(lines, LogLevel::kInfo, 1024);
  Config config = memory_only();
  // Takes connections and never says a word, as a Redis that hangs.
  const Taken silent(SOCK_STREAM);
  config.redis = RedisConfig{};
  config.redis->url = "tcp://" + silent.endpoint.to_string();
  config.redis->address = {"", "127.0.0.1", silent.endpoint.port, 0};
  config.redis->connect_timeout = std::chrono::seconds(60);
  config.redis->command_timeout = std::chrono::seconds(60);
  config.redis->max_queue = 64;
  Gateway gateway(config, *log);
  gateway.stop();
  const auto began = std::chrono::steady_clock::now();
  CHECK_FALSE(gateway.start().has_value());
  gateway.run([] { return std::variant<Config, Mistakes>(Mistakes("unused")); });
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(8));
}

}  // namespace ringtrace::gateway
