#include "sip/proxy.h"

#include <spdlog/spdlog.h>

#include <future>
#include <set>
#include <thread>
#include <utility>
#include <variant>

#include "sip/own_requests.h"
#include "sip/peers.h"
#include "sip/proxy_core.h"
#include "sip/routing.h"
#include "sip/short_slices.h"
#include "sip/sip_loop.h"

namespace ringtrace::sip {
namespace {

// What a turn of the loop takes when it is not flooded.
constexpr std::chrono::microseconds kSlice{100};

Instant now() {
  return {std::chrono::steady_clock::now(),
          std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now())};
}

}  // namespace

// The SIP thread and what it owns. Everything below `thread` lives and dies on that thread.
struct Proxy::Running final : SipLoop::Handler {
  explicit Running(Proxy& owner) : proxy(owner) {}

  Proxy& proxy;
  std::thread thread;
  std::vector<Hop> listening;  // constant once started

  std::unique_ptr<SipLoop> loop;
  ProxyConfig config;  // as it stands now
  std::unique_ptr<ProxyCore> core;
  std::unique_ptr<Peers> peers;
  std::optional<SteadyTime> leave_at;
  std::set<std::string> told_strangers;  // in the log, each once

  void on_datagram(std::string_view text, const Arrival& arrival) override {
    if (OwnRequests::seems_answer(text)) {
      const Message message = Message::parse(text);
      if (message.is_well_formed() && peers->receive(message)) return;
    }
    core->receive_datagram(text, arrival, now());
  }
  bool is_new_call(std::string_view text) override { return ProxyCore::is_new_call(text); }
  void on_dropped_new_call() override { core->dropped_new_call(); }
  bool on_message(Message message, const Arrival& arrival) override {
    // A broken message may not be asked for anything; the core refuses it.
    if (message.is_well_formed() && !message.is_request() && peers->receive(message)) return true;
    return core->receive(std::move(message), arrival, now());
  }
  void on_garbage() override { proxy.stats_.refuse(Refusal::kGarbage); }
  void on_connection_closed() override { proxy.stats_.refuse(Refusal::kConnection); }
  void on_transport_failed(const Hop& hop) override {
    if (core) core->transport_failed(hop);
    loop->tick_soon();
    if (peers) peers->transport_failed(hop, now().steady);
  }
  void on_stranger(const Hop& hop, const std::string& reason) override {
    proxy.stats_.refuse(Refusal::kCertificate);
    constexpr std::size_t kMaximumTold = 1000;
    if (told_strangers.size() < kMaximumTold && told_strangers.insert(hop.to_string() + reason).second)
      spdlog::error("event=certificate_refused place={} reason=\"{}\"", hop.to_string(), reason);
    on_transport_failed(hop);
  }
  SteadyTime on_tick() override {
    const Instant instant = now();
    core->tick(instant);
    if (peers->tick(instant.steady)) take_over();
    if (!leave_at) return core->next_tick();
    if (core->is_idle() || instant.steady >= *leave_at) loop->leave();
    return instant.steady + TimerQueue::kTick;
  }

  // What is configured, as far as its peers are known: a new routing for the calls to come.
  void take_over() {
    auto routing = Routing::compile(config, peers->reachability());
    if (auto* error = std::get_if<std::string>(&routing)) {
      spdlog::error("event=routing problem=\"{}\"", *error);
      return;
    }
    loop->expect(peers->names());
    core->reload(std::get<std::shared_ptr<const Routing>>(std::move(routing)));
  }

  void reload(ProxyConfig fresh) {
    config = std::move(fresh);
    peers->configure(config, now().steady);
    take_over();
  }

  void run(std::shared_ptr<const Routing> routing, std::promise<std::optional<std::string>> started) {
    ask_for_short_slices(kSlice);
    loop = std::make_unique<SipLoop>(*this);
    auto opened = loop->open(proxy.config_.listen, proxy.config_.tls, routing->limits());
    if (auto* error = std::get_if<std::string>(&opened)) {
      loop->close();
      started.set_value(std::move(*error));
      return;
    }
    auto& listeners = std::get<std::vector<Listener>>(opened);
    for (const Listener& listener : listeners) listening.push_back({listener.transport, listener.advertised});
    core = std::make_unique<ProxyCore>(*loop, proxy.attribution_, proxy.sink_, proxy.stats_, system_random(),
                                       listeners, std::move(routing), now());
    const auto post = [this](std::function<void()> command) { return loop->post(std::move(command)); };
    peers = std::make_unique<Peers>(*loop, listeners, system_random(), post, proxy.board_, now().steady);
    reload(proxy.config_);
    started.set_value(std::nullopt);
    loop->run();
    peers.reset();
    core.reset();
    loop->close();
  }
};

Proxy::Proxy(ProxyConfig config, Attribution& attribution, CallSink& sink)
    : config_(std::move(config)), attribution_(attribution), sink_(sink) {}

Proxy::~Proxy() { stop(std::chrono::milliseconds{0}); }

std::optional<std::string> Proxy::check(const ProxyConfig& config) {
  if (config.listen.empty()) return "the SIP proxy has no address to listen at";
  auto routing = Routing::compile(config);
  if (auto* error = std::get_if<std::string>(&routing)) return std::move(*error);
  return std::nullopt;
}

std::optional<std::string> Proxy::start() {
  if (auto error = check(config_)) return error;
  auto routing = std::get<std::shared_ptr<const Routing>>(Routing::compile(config_));
  running_ = std::make_unique<Running>(*this);
  std::promise<std::optional<std::string>> promise;
  auto started = promise.get_future();
  running_->thread = std::thread(
      [running = running_.get(), routing = std::move(routing), result = std::move(promise)]() mutable {
        running->run(std::move(routing), std::move(result));
      });
  auto error = started.get();
  if (error) {
    running_->thread.join();
    running_.reset();
  } else {
    for (const Hop& hop : running_->listening)
      spdlog::info("event=sip_listening address={}", hop.to_string());
  }
  return error;
}

std::optional<std::string> Proxy::reload(const ProxyConfig& config) {
  if (auto error = check(config)) return error;
  if (!running_) return "the SIP proxy does not run";
  const bool posted = running_->loop->post([running = running_.get(), config] { running->reload(config); });
  return posted ? std::nullopt : std::optional<std::string>("the SIP proxy has too many commands waiting");
}

void Proxy::stop(std::chrono::milliseconds patience) {
  if (!running_) return;
  const auto drain = [running = running_.get(), patience] {
    running->core->drain();
    running->leave_at = std::chrono::steady_clock::now() + patience;
  };
  // Refused only while a thousand other commands wait.
  while (!running_->loop->post(drain)) std::this_thread::yield();
  running_->thread.join();
  running_.reset();
}

std::vector<Hop> Proxy::listening() const { return running_ ? running_->listening : std::vector<Hop>{}; }

PeerReport Proxy::peers() const { return board_.read(); }

const ProxyStats& Proxy::stats() const { return stats_; }

}  // namespace ringtrace::sip
