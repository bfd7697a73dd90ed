#include "gateway/gateway.h"

#include <boost/asio/post.hpp>
#include <future>
#include <utility>

#include "gateway/changes.h"
#include "gateway/emergency.h"
#include "gateway/pool_metrics.h"
#include "gateway/room_metrics.h"
#include "gateway/sip_config.h"
#include "gateway/trunks_page.h"

namespace ringtrace::gateway {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 250ms;
// How long the services wait at start for the leases of an earlier process.
constexpr auto kStorePatience = 10s;
// How often it is looked whether the pools are still another gateway's.
constexpr auto kForeignPause = 250ms;
// How long requests and calls under way may take to end when the gateway stops.
constexpr auto kGrpcGrace = 5s;
constexpr auto kLook = 200ms;
constexpr auto kSipGrace = 5s;
// How long the store may take to acknowledge what it was sent.
constexpr auto kFlushPatience = 3s;

MemoryCallLog::Retention personal_retention(const Config& config) {
  return {config.events.caller_retention, config.events.attributes_retention};
}

}  // namespace

Gateway::Gateway(Config config, Log& log)
    : config_(std::move(config)),
      log_(log),
      work_(io_.get_executor()),
      signals_(io_, mailbox_),
      ticker_(io_),
      http_(io_, config_.http),
      names_(config_.state_directory) {}

Gateway::~Gateway() {
  services_.reset();
  proxy_.reset();
  stop_loop();
}

std::optional<std::string> Gateway::start() {
  log_.info("starting", {{"version", RINGTRACE_VERSION}, {"name", config_.name}});
  remembered_names_ = names_.read();
  if (auto problem = make_pools()) return problem;
  if (auto problem = take_keys()) return problem;
  make_logs();
  if (auto problem = start_http()) return problem;
  if (auto problem = start_sip()) return problem;
  add_metrics();
  start_loop();
  wait_for_store();
  if (stop_asked_) return std::nullopt;
  if (auto problem = start_grpc()) return problem;
  ports_open_ = true;
  readiness_.ready("gateway");
  log_ready();
  return std::nullopt;
}

std::optional<std::string> Gateway::make_pools() {
  readiness_.not_ready("gateway", "starting");
  auto made = pool::NumberPools::create(config_.pools);
  if (auto* problem = std::get_if<std::string>(&made)) return *problem;
  pools_ = std::get<std::unique_ptr<pool::NumberPools>>(std::move(made));
  log_.info("pools ready", {{"pools", pools_->pool_count()},
                            {"numbers", config_.number_count()},
                            {"bytes", pools_->memory_bytes()}});
  return std::nullopt;
}

std::optional<std::string> Gateway::take_keys() {
  auto key = signing_key_of(config_);
  if (auto* problem = std::get_if<std::string>(&key)) return *problem;
  signing_key_ = std::get<KeptKey>(key).key;
  if (!std::get<KeptKey>(key).lasting) {
    log_.warning(
        "no signing_key and no state_directory: requests of calls that are up now will be refused after a "
        "restart");
  }
  key = kept_key(config_.events.caller_key, config_.state_directory, "caller-key");
  if (auto* problem = std::get_if<std::string>(&key)) return *problem;
  caller_key_ = std::get<KeptKey>(key).key;
  if (config_.redis && !std::get<KeptKey>(key).lasting) {
    log_.warning("no caller_key_file and no state_directory: after a restart, erasing looks at every call");
  }
  return std::nullopt;
}

void Gateway::make_logs() {
  if (config_.redis) {
    store_ =
        std::make_unique<StorePart>(io_, config_, redis::CallerKey(caller_key_), clock_, log_, readiness_);
  } else {
    memory_log_ = std::make_unique<MemoryCallLog>(io_, config_.events.memory_length, clock_.now());
    memory_sink_ = std::make_unique<MemoryCallSink>(*memory_log_);
    memory_subscriptions_ = std::make_unique<MemorySubscriptions>(*memory_log_);
    log_.warning("no [redis]: leases and call events live in memory and end with this process",
                 {{"events_kept", config_.events.memory_length}});
  }
  leasing_ = std::make_unique<pool::Leasing>(*pools_, store_ ? &store_->leases() : nullptr, clock_);
  if (store_) return;
  memory_eraser_ = std::make_unique<MemoryCallerEraser>(*leasing_, redis::CallerKey(caller_key_),
                                                        personal_retention(config_), *memory_log_, log_);
}

std::optional<std::string> Gateway::start_http() {
  http_.route("/metrics", "figures for Prometheus", [this] {
    return HttpAnswer{200, "text/plain; version=0.0.4; charset=utf-8", metrics_.text()};
  });
  http_.route("/healthz", "200 when all ports are open", [this] {
    return ports_open_ ? HttpAnswer{200, "text/plain; charset=utf-8", "ok\n"}
                       : HttpAnswer{503, "text/plain; charset=utf-8", "starting\n"};
  });
  http_.route("/readyz", "200 when ready, else 503 and why not", [this] {
    return HttpAnswer{readiness_.is_ready() ? 200U : 503U, "application/json", readiness_.json()};
  });
  http_.route("/trunks", "how trunks and lines are doing, for ringtracectl trunks", [this] {
    return ports_open_ ? HttpAnswer{200, "application/json", trunks_page(proxy_->peers())}
                       : HttpAnswer{503, "text/plain; charset=utf-8", "starting\n"};
  });
  const std::string problem = http_.listen();
  if (problem.empty()) return std::nullopt;
  return "[http] listen " + config_.http.listen.to_string() + ": " + problem;
}

std::optional<std::string> Gateway::start_sip() {
  attribution_ = std::make_unique<sip::PoolAttribution>(*pools_);
  sip::CallSink& sink = store_ ? store_->call_sink() : *memory_sink_;
  proxy_ = std::make_unique<sip::Proxy>(proxy_config(config_), *attribution_, sink);
  if (auto problem = proxy_->start()) return "[sip] " + *problem;
  keep_plan();
  return std::nullopt;
}

sip::ProxyConfig Gateway::proxy_config(const Config& config) const {
  sip::ProxyConfig result = to_proxy_config(config, signing_key_);
  result.dns.remembered = remembered_names_;
  return result;
}

void Gateway::keep_plan() {
  if (const auto problem = keep_emergency_plan(config_, signing_key_))
    log_.error("no emergency mode", {{"problem", *problem}});
}

void Gateway::start_loop() {
  if (store_) {
    store_->start(
        *leasing_, [this] { mailbox_.post(Notice::kSettled); }, [this] { mailbox_.post(Notice::kLost); });
  }
  tick();
  loop_ = std::thread([this] { io_.run(); });
}

void Gateway::wait_for_store() {
  if (!store_) return;
  auto deadline = std::chrono::steady_clock::now() + kStorePatience;
  for (;;) {
    const std::optional<Notice> notice = mailbox_.wait_for(kForeignPause);
    if (notice == Notice::kSettled) return;
    if (notice == Notice::kStop || notice == Notice::kLost) return end(*notice);
    // Whose pools are another's lends nothing: it waits, and its SIP port serves meanwhile.
    // Neither does one that cannot know what was lent before.
    const bool waits = store_->is_foreign() || store_->blind_until() != pool::kNever;
    if (waits) deadline = std::chrono::steady_clock::now() + kStorePatience;
    if (std::chrono::steady_clock::now() < deadline) continue;
    log_.warning("the store takes long: serving from memory meanwhile",
                 {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(kStorePatience).count()}});
    return;
  }
}

/// Asked to end, or the pools are another gateway's.
void Gateway::end(Notice notice) {
  stop_asked_ = true;
  lost_ = notice == Notice::kLost;
  if (lost_) log_.error("another gateway has taken the pools over: stopping");
}

std::optional<std::string> Gateway::start_grpc() {
  rpc::CallEventLog& events = store_ ? store_->call_log() : *memory_log_;
  rpc::CallIndex& calls = store_ ? store_->call_index() : memory_log_->calls();
  rpc::SubscriptionStore& subscriptions = store_ ? store_->subscriptions() : *memory_subscriptions_;
  rpc::NumberBook& numbers = store_ ? store_->number_book() : memory_numbers_;
  rpc::CallerEraser& eraser =
      store_ ? static_cast<rpc::CallerEraser&>(store_->caller_eraser()) : *memory_eraser_;
  rpc::Backends backends{*leasing_, events, calls, subscriptions, numbers, eraser};
  if (store_) backends.held_back = [this](pool::PoolIndex pool) { return store_->held_back(pool).numbers; };
  services_ = std::make_unique<GrpcPart>(config_.grpc, backends, log_);
  if (auto problem = services_->start()) return "[grpc] listen: " + *problem;
  return std::nullopt;
}

void Gateway::tick() {
  leasing_->tick();
  if (store_) {
    store_->tick();
  } else {
    memory_log_->forget(personal_retention(config_), clock_.now());
  }
  ticker_.expires_after(kTick);
  ticker_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) tick();
  });
}

void Gateway::log_ready() {
  Endpoint grpc = config_.grpc.listen;
  grpc.port = static_cast<std::uint16_t>(services_->bound_port());
  std::string sip;
  for (const sip::Hop& hop : proxy_->listening()) sip += (sip.empty() ? "" : ",") + hop.to_string();
  log_.info("ready", {{"grpc", grpc.to_string()},
                      {"sip", sip},
                      {"http", http_.local().to_string()},
                      {"store", config_.redis ? config_.redis->url : "memory"},
                      {"pools", pools_->pool_count()},
                      {"numbers", config_.number_count()}});
}

void Gateway::run(const LoadConfig& load) {
  if (stop_asked_) return drain();  // perhaps before everything was started
  auto next_check = std::chrono::steady_clock::now() + services_->check_interval();
  while (!stop_asked_) {
    const std::optional<Notice> notice = mailbox_.wait_for(kLook);
    if (notice == Notice::kStop || notice == Notice::kLost) end(*notice);
    if (std::chrono::steady_clock::now() >= next_check) {
      next_check = std::chrono::steady_clock::now() + services_->check_interval();
      services_->check_certificate();
    }
    names_.keep(proxy_->peers().names);  // tried again at the next look while the disk refuses
    if (notice == Notice::kReload) reload(load);
  }
  drain();
}

void Gateway::reload(const LoadConfig& load) {
  auto loaded = load();
  if (auto* mistakes = std::get_if<Mistakes>(&loaded)) {
    for (const Mistake& mistake : mistakes->sorted())
      log_.error("configuration", {{"mistake", mistake.text()}});
    log_.error("configuration not taken over: nothing has changed", {{"mistakes", mistakes->count()}});
    return;
  }
  apply(std::get<Config>(std::move(loaded)));
}

void Gateway::apply(Config fresh) {
  if (auto problem = proxy_->reload(proxy_config(fresh))) {
    log_.error("configuration not taken over: nothing has changed", {{"mistake", *problem}});
    return;
  }
  services_->reload(fresh.grpc);
  take_over_numbers(number_changes(config_.pools, fresh.pools));
  std::string waiting;
  for (const std::string_view part : needing_restart(config_, fresh)) {
    waiting += (waiting.empty() ? "" : ",") + std::string(part);
  }
  take_over_changes(config_, std::move(fresh));
  keep_plan();
  if (waiting.empty()) {
    log_.info("configuration taken over");
  } else {
    log_.warning("configuration taken over, but for what needs a restart", {{"restart", waiting}});
  }
}

void Gateway::take_over_numbers(std::vector<NumberChanges> changes) {
  if (changes.empty()) return;
  if (store_) {
    boost::asio::post(io_, [this, changes = std::move(changes)] { store_->take_over(changes); });
  } else {
    for (const NumberChanges& of_pool : changes) gateway::apply(of_pool, *pools_, log_);
  }
}

void Gateway::drain() {
  log_.info("draining");
  readiness_.not_ready("gateway", "draining");
  // What else is posted meanwhile changes nothing any more; a second SIGTERM ends the process by itself.
  if (services_) {
    const auto until = std::chrono::steady_clock::now() + services_->announce_end();
    while (std::chrono::steady_clock::now() < until) {
      const auto left = until - std::chrono::steady_clock::now();
      static_cast<void>(mailbox_.wait_for(std::chrono::ceil<std::chrono::milliseconds>(left)));
    }
    services_->stop(kGrpcGrace);
  }
  if (proxy_) proxy_->stop(kSipGrace);
  flush_store();
  stop_loop();
  log_.info("stopped");
}

void Gateway::flush_store() {
  if (!store_) return;
  await_flush();
  const std::uint64_t left = store_->call_log_stats().queued + store_->spool_stats().waiting;
  if (left > 0) {
    log_.warning(config_.state_directory.empty() ? "call events were not written to the store"
                                                 : "call events stay in the spool for the next start",
                 {{"count", left}});
  }
  boost::asio::post(io_, [this] { store_->give_up(); });
  await_flush();
}

/// Waits until the store has answered everything; with patience.
void Gateway::await_flush() {
  const auto deadline = std::chrono::steady_clock::now() + kFlushPatience;
  for (;;) {
    // On the loop, so that what it was doing when it was asked is done.
    std::promise<void> turned;
    boost::asio::post(io_, [&] { turned.set_value(); });
    turned.get_future().wait();
    if (store_->is_flushed() || std::chrono::steady_clock::now() >= deadline) return;
    static_cast<void>(mailbox_.wait_for(5ms));
  }
}

void Gateway::stop_loop() {
  if (!loop_.joinable()) return;
  io_.stop();
  loop_.join();
  http_.stop();
}

void Gateway::add_metrics() {
  metrics_.add_source([this](Samples& samples) {
    const std::chrono::duration<double> uptime = std::chrono::steady_clock::now() - started_;
    samples.add(Metric::kBuildInfo, {{"version", RINGTRACE_VERSION}}, 1.0);
    samples.add(Metric::kUptime, {}, uptime.count());
    samples.add(Metric::kClockOffset, {}, std::chrono::duration<double>(clock_.offset()).count());
    samples.add(Metric::kReady, {}, readiness_.is_ready() ? 1.0 : 0.0);
    add_log_samples(log_, samples);
    add_http_samples(http_.stats(), samples);
    add_pool_samples(*pools_, clock_.now(), samples);
    add_leasing_samples(leasing_->totals(), samples);
    add_sip_samples(proxy_->stats(), samples);
    add_peer_samples(proxy_->peers(), samples);
    if (store_) {
      add_store_samples(store_->connection_stats(), samples);
      add_store_event_samples(store_->call_log_stats(), store_->spool_stats(), samples);
      samples.add(Metric::kAcknowledgementsWaiting, {}, store_->acknowledgements_waiting());
      add_aftermath_samples(*store_, *pools_, samples);
      add_erasure_samples(store_->caller_eraser().stats(), samples);
    } else {
      add_memory_event_samples(*memory_log_, samples);
      samples.add(Metric::kAcknowledgementsWaiting, {}, 0.0);
      add_erasure_samples(memory_eraser_->stats(), samples);
    }
    if (ports_open_) add_grpc_samples(services_->statistics(), services_->certificate_expiry(), samples);
  });
}

}  // namespace ringtrace::gateway
