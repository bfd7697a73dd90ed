#include "gateway/store_part.h"

#include <utility>

#include "gateway/number_reload.h"
#include "redis/functions.h"

namespace ringtrace::gateway {
namespace {

constexpr auto kReloadRetry = std::chrono::seconds(1);

redis::ConnectionOptions options_of(const RedisConfig& config) {
  redis::ConnectionOptions options;
  options.endpoint.unix_path = config.address.socket_path;
  options.endpoint.host = config.address.host;
  options.endpoint.port = config.address.port;
  options.user = config.user;
  options.password = config.password;
  options.database = static_cast<int>(config.address.database);
  options.connect_timeout = config.connect_timeout;
  options.command_timeout = config.command_timeout;
  options.max_commands = config.max_queue;
  return options;
}

redis::CallLogOptions options_of(const EventsConfig& config) {
  redis::CallLogOptions options;
  options.retention = config.retention;
  options.max_length = config.max_length;
  return options;
}

redis::Log lines_into(Log& log) {
  return [&log](redis::LogLevel level, std::string_view line) {
    const LogLevel ours = level == redis::LogLevel::kError     ? LogLevel::kError
                          : level == redis::LogLevel::kWarning ? LogLevel::kWarning
                                                               : LogLevel::kInfo;
    log.line(ours, line);
  };
}

}  // namespace

StorePart::StorePart(boost::asio::io_context& io, const RedisConfig& redis, const EventsConfig& events,
                     Log& log, Readiness& readiness)
    : io_(io),
      log_(log),
      readiness_(readiness),
      connection_(io, options_of(redis), redis::prepare_server(lines_into(log)), lines_into(log)),
      leases_(connection_),
      calls_(connection_, options_of(events), lines_into(log)),
      index_(connection_),
      numbers_(connection_),
      subscriptions_(connection_),
      reader_(calls_),
      index_reader_(index_),
      number_book_(numbers_),
      subscription_store_(subscriptions_),
      sink_(calls_),
      retry_(io) {
  readiness_.not_ready("store", "connecting");
}

void StorePart::start(pool::Leasing& leasing, Settled settled) {
  leasing_ = &leasing;
  replay_ = std::make_unique<LeaseReplay>(leasing, log_);
  settled_ = std::move(settled);
  connection_.on_state([this](bool ready, const std::string& reason) { changed(ready, reason); });
  connection_.start();
}

void StorePart::changed(bool ready, const std::string& reason) {
  connected_ = ready;
  if (!ready) {
    readiness_.not_ready("store", "not connected: " + reason);
    log_.warning("store away: leases are answered from memory and are not durable until it is back",
                 {{"reason", reason}});
    settle();
    return;
  }
  if (!reloaded_) return reload();
  readiness_.ready("store");
  replay_->store_came();
  log_.info("store back");
}

void StorePart::reload() {
  readiness_.not_ready("store", "reloading leases");
  if (reloading_) return;  // a reload that lost its connection ends by itself, and begins anew
  reloading_ = true;
  std::make_shared<NumberReload>(numbers_, leasing_->pools(), log_, [this](const std::string& problem) {
    problem.empty() ? reload_leases() : reloaded(problem);
  })->start();
}

void StorePart::reload_leases() {
  std::make_shared<LeaseReload>(io_, leases_, leasing_->pools(), leasing_->clock(), log_,
                                [this](const std::string& problem) { reloaded(problem); })
      ->start();
}

void StorePart::reloaded(const std::string& problem) {
  reloading_ = false;
  if (problem.empty()) {
    reloaded_ = true;
    replay_->store_came();
    if (connected_) readiness_.ready("store");
    return settle();
  }
  log_.warning("reloading leases failed; trying again", {{"reason", problem}});
  if (!connected_) return;  // begins anew with the next connection
  readiness_.not_ready("store", "reloading leases failed: " + problem);
  retry_.expires_after(kReloadRetry);
  retry_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled && connected_ && !reloaded_) reload();
  });
}

void StorePart::settle() {
  if (Settled settled = std::exchange(settled_, nullptr)) settled();
}

void StorePart::tick() {
  if (!connected_ || !reloaded_) return;
  replay_->tick(std::chrono::steady_clock::now());
}

bool StorePart::is_flushed() const {
  const redis::ConnectionStats connection = connection_.stats();
  if (!connection.ready) return true;
  return connection.waiting + connection.in_flight == 0 && calls_.stats().queued == 0 &&
         subscriptions_.waiting() == 0;
}

}  // namespace ringtrace::gateway
