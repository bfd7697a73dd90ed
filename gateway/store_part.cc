#include "gateway/store_part.h"

#include <utility>

#include "redis/functions.h"

namespace ringtrace::gateway {
namespace {

constexpr auto kReloadRetry = std::chrono::seconds(1);
// Events in memory on their way to Redis, when there is a spool.
constexpr std::size_t kMostQueued = 10'000;
// The gateway that carries a call closes it by its age itself; only then may others.
constexpr auto kSweepDelay = std::chrono::minutes(1);

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

redis::CallLogOptions call_log_options_of(const Config& config) {
  redis::CallLogOptions options;
  options.retention = config.events.retention;
  options.max_length = config.events.max_length;
  // What is more waits in the spool.
  if (!config.state_directory.empty()) options.max_queued = kMostQueued;
  return options;
}

EventSpool::Options spool_options_of(const Config& config) {
  EventSpool::Options options;
  options.max_bytes = config.events.spool_bytes;
  if (!config.state_directory.empty()) {
    options.file = std::filesystem::path(config.state_directory) / "call-events.spool";
  }
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

StorePart::StorePart(boost::asio::io_context& io, const Config& config, const pool::Clock& clock, Log& log,
                     Readiness& readiness)
    : io_(io),
      log_(log),
      readiness_(readiness),
      connection_(io, options_of(*config.redis), redis::prepare_server(lines_into(log)), lines_into(log)),
      leases_(connection_),
      calls_(connection_, call_log_options_of(config), lines_into(log)),
      reader_(calls_),
      sweep_(connection_, calls_, {.max_age = config.sip.max_call_age + kSweepDelay},
             [&clock] { return clock.now(); }),
      aftermath_(config, leases_, log),
      spool_(calls_, spool_options_of(config), log),
      blind_(io),
      retry_(io) {
  readiness_.not_ready("store", "connecting");
}

void StorePart::start(pool::Leasing& leasing, Settled settled) {
  leasing_ = &leasing;
  replay_ = std::make_unique<LeaseReplay>(leasing, log_);
  settled_ = std::move(settled);
  aftermath_.begin(leasing);
  spool_.start();
  connection_.on_state([this](bool ready, const std::string& reason) { changed(ready, reason); });
  connection_.start();
}

void StorePart::changed(bool ready, const std::string& reason) {
  connected_ = ready;
  if (!ready) {
    readiness_.not_ready("store", "not connected: " + reason);
    log_.warning("store away: leases are answered from memory and are not durable until it is back",
                 {{"reason", reason}});
    return settle_without_store();
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
  std::make_shared<LeaseReload>(io_, leases_, leasing_->pools(), leasing_->clock(), log_,
                                [this](const std::string& problem) { reloaded(problem); })
      ->start();
}

void StorePart::reloaded(const std::string& problem) {
  reloading_ = false;
  if (problem.empty()) {
    reloaded_ = true;
    blind_.cancel();
    aftermath_.all_reloaded();
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

void StorePart::settle_without_store() {
  const pool::Time until = aftermath_.blind_until();
  if (reloaded_ || until == pool::kNever) return settle();
  const auto left = until - leasing_->clock().now();
  log_.warning(
      "numbers lent before may be in use, and only the store knows them: none is lent until it is back",
      {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(left).count()}});
  blind_.expires_after(left);
  blind_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled && !reloaded_) settle();
  });
}

void StorePart::settle() {
  if (Settled settled = std::exchange(settled_, nullptr)) settled();
}

void StorePart::tick() {
  const bool serving = connected_ && reloaded_;
  if (serving) replay_->tick(std::chrono::steady_clock::now());
  aftermath_.tick(connected_, serving && replay_->is_done());
}

bool StorePart::is_flushed() const {
  const redis::ConnectionStats connection = connection_.stats();
  if (!connection.ready) return true;
  return connection.waiting + connection.in_flight == 0 && calls_.stats().queued == 0 &&
         spool_.stats().waiting == 0;
}

}  // namespace ringtrace::gateway
