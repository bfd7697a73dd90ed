#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "gateway/caller_eraser.h"
#include "gateway/clock.h"
#include "gateway/config.h"
#include "gateway/grpc_part.h"
#include "gateway/http_port.h"
#include "gateway/log.h"
#include "gateway/mailbox.h"
#include "gateway/memory_call_log.h"
#include "gateway/memory_call_sink.h"
#include "gateway/metrics.h"
#include "gateway/name_file.h"
#include "gateway/number_books.h"
#include "gateway/number_changes.h"
#include "gateway/readiness.h"
#include "gateway/signals.h"
#include "gateway/store_part.h"
#include "gateway/subscriptions.h"
#include "pool/leasing.h"
#include "pool/number_pools.h"
#include "sip/proxy.h"

namespace ringtrace::gateway {

/// One gateway: all rooms, joined.
///
///     Gateway gateway(config, log);
///     if (auto problem = gateway.start()) return fail(*problem);
///     gateway.run([] { return load_config(path); });   // until asked to end
///
/// The thread that made it (the main thread) starts, reloads and stops; one thread runs the loop of store,
/// HTTP and timers; the proxy and the services have threads of their own.
class Gateway {
 public:
  using LoadConfig = std::function<std::variant<Config, Mistakes>()>;

  Gateway(Config config, Log& log);

  /// Stops what still runs, without patience.
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// Opens the ports in the order HTTP, SIP, gRPC; gRPC after the leases of an earlier process are back, or
  /// Redis is known to be away. On failure: one sentence naming the key and the address. Returns early, with
  /// success, when asked to end meanwhile.
  std::optional<std::string> start();

  /// Asks `run` to end. Any thread.
  void stop() { mailbox_.post(Notice::kStop); }

  /// Where /metrics, /healthz and /readyz are, after start().
  Endpoint http_address() const { return http_.local(); }

  /// Serves until SIGTERM or SIGINT, then drains and stops. SIGHUP reads the configuration again by `load`.
  /// Looks at the certificate from time to time.
  void run(const LoadConfig& load);

  /// True when it ended because another gateway has taken the pools over.
  bool lost() const { return lost_; }

 private:
  std::optional<std::string> make_pools();
  std::optional<std::string> take_keys();
  std::optional<std::string> start_http();
  std::optional<std::string> start_sip();
  std::optional<std::string> start_grpc();
  sip::ProxyConfig proxy_config(const Config& config) const;
  void keep_plan();
  void make_logs();
  void start_loop();
  void wait_for_store();
  void add_metrics();
  void tick();
  void reload(const LoadConfig& load);
  void apply(Config fresh);
  void take_over_numbers(std::vector<NumberChanges> changes);
  void drain();
  void flush_store();
  void await_flush();
  void end(Notice notice);
  void stop_loop();
  void log_ready();

  // Constant after start().
  Config config_;
  Log& log_;
  std::string signing_key_;
  std::string caller_key_;
  NameFile::Names remembered_names_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();

  // With a synchronization of their own.
  SteadyClock clock_;
  Readiness readiness_;
  Mailbox mailbox_;
  Metrics metrics_;
  std::unique_ptr<pool::NumberPools> pools_;
  std::unique_ptr<pool::Leasing> leasing_;
  std::unique_ptr<sip::Attribution> attribution_;
  std::atomic<bool> ports_open_{false};

  // Loop thread only, once it runs.
  boost::asio::io_context io_{1};  // one thread runs it
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  Signals signals_;
  boost::asio::steady_timer ticker_;
  HttpPort http_;
  std::unique_ptr<StorePart> store_;  // none without [redis]
  std::unique_ptr<MemoryCallLog> memory_log_;
  std::unique_ptr<sip::CallSink> memory_sink_;
  std::unique_ptr<MemorySubscriptions> memory_subscriptions_;
  std::unique_ptr<MemoryCallerEraser> memory_eraser_;
  MemoryNumberBook memory_numbers_;

  // Main thread only.
  bool stop_asked_ = false;
  bool lost_ = false;
  std::thread loop_;
  NameFile names_;
  std::unique_ptr<sip::Proxy> proxy_;
  std::unique_ptr<GrpcPart> services_;
};

}  // namespace ringtrace::gateway
