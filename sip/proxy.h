#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sip/attribution.h"
#include "sip/call_sink.h"
#include "sip/config.h"
#include "sip/endpoint.h"
#include "sip/peer_report.h"
#include "sip/stats.h"

namespace ringtrace::sip {

/// The SIP proxy in its own thread: takes calls from trunks, asks who calls, and carries them to the
/// company's lines.
///
///     PoolAttribution attribution(pools);
///     Proxy proxy(config, attribution, sink);
///     if (auto error = proxy.start()) return fail(*error);
///     ...
///     proxy.stop(std::chrono::seconds(5));
///
/// start(), reload() and stop() may come from any thread, but not at once; stats() and peers() from any at
/// any time.
/// Attribution and sink are called on the SIP thread and must outlive the proxy.
class Proxy {
 public:
  /// `config` is checked by start().
  Proxy(ProxyConfig config, Attribution& attribution, CallSink& sink);
  /// Stops at once if it still runs.
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  /// Only checks. The error is a sentence naming what is wrong.
  static std::optional<std::string> check(const ProxyConfig& config);

  /// Binds the sockets and begins to serve. The error names the wrong value, or the address that cannot be
  /// had.
  std::optional<std::string> start();

  /// Takes over everything but `listen`. On an error nothing changes.
  std::optional<std::string> reload(const ProxyConfig& config);

  /// Refuses new calls, waits until nothing is on its way or `patience` is over, and ends the thread. Calls
  /// that have been answered go on without us; their BYE finds its way through the next process.
  void stop(std::chrono::milliseconds patience);

  /// Where it listens, in the order of the configuration, with the ports that were taken. After start().
  std::vector<Hop> listening() const;

  const ProxyStats& stats() const;

  /// How trunks and lines are doing, at most a second old.
  PeerReport peers() const;

 private:
  struct Running;
  const ProxyConfig config_;
  Attribution& attribution_;
  CallSink& sink_;
  ProxyStats stats_;
  PeerBoard board_;
  std::unique_ptr<Running> running_;
};

}  // namespace ringtrace::sip
