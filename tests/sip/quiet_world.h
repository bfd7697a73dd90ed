#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pool/assert.h"
#include "sip/proxy_core.h"

namespace ringtrace::sip::test {

// A proxy core under virtual time whose pools and store want nothing: what runs it without a test's checks
// (a benchmark, a fuzzer) says only what becomes of the messages it sends.
class QuietWorld : public MessageSender, public Attribution, public CallSink {
 public:
  static ProxyConfig config(const std::vector<std::string>& lines) {
    ProxyConfig config;
    config.listen = {{"198.18.0.1", 5060, Transport::kUdp, ""}};
    config.trunks = {{.name = "carrier", .addresses = {"192.0.2.0/24"}}};
    config.line_groups.push_back({.name = "office", .lines = {}});
    for (const std::string& host : lines)
      config.line_groups.back().lines.push_back({host, host, 5060, Transport::kUdp, 0, 1});
    config.default_line_group = "office";
    config.signing_key = "0123456789abcdef0123456789abcdef";
    return config;
  }

  explicit QuietWorld(const ProxyConfig& config)
      : now{SteadyTime{} + std::chrono::hours(1), WallTime{std::chrono::milliseconds(1'700'000'000'000)}} {
    auto routing = Routing::compile(config);
    RINGTRACE_ASSERT(std::holds_alternative<std::shared_ptr<const Routing>>(routing));
    routing_ = std::get<std::shared_ptr<const Routing>>(std::move(routing));
    start();
  }

  // As after kill -9: the next life remembers nothing.
  void restart() {
    core.reset();
    forgotten += stats.live_calls;
    stats.live_calls = 0;
    stats.live_transactions = 0;
    start();
  }

  bool knows(pool::Number) const override { return true; }
  v1::Resolution attribute(const pool::ResolveQuery&) override { return resolution; }
  void record(const v1::CallEvent& event) override {
    if (event.type() == v1::CALL_EVENT_TYPE_ENDED) ++ended;
  }
  void close_unknown(CallClosing) override {}
  void resume(const v1::CallEvent&) override {}

  void receive(const Hop& from, std::string_view text) { core->receive_datagram(text, {from, 0, {}}, now); }
  void advance(std::chrono::milliseconds step) {
    now.steady += step;
    now.wall += step;
    core->tick(now);
  }

  Instant now;
  ProxyStats stats;
  v1::Resolution resolution;
  std::uint64_t ended = 0;
  std::uint64_t forgotten = 0;  ///< calls of earlier lives that had not ended
  std::unique_ptr<ProxyCore> core;

 private:
  void start() {
    core = std::make_unique<ProxyCore>(
        *this, *this, *this, stats,
        [this] { return seed_ = seed_ * 6364136223846793005u + 1442695040888963407u; },
        std::vector<Listener>{{Transport::kUdp, *Endpoint::parse("198.18.0.1:5060")}}, routing_, now);
  }

  std::shared_ptr<const Routing> routing_;
  std::uint64_t seed_ = 1;
};

}  // namespace ringtrace::sip::test
