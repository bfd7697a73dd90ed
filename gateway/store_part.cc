#include "gateway/store_part.h"

#include <utility>

#include "gateway/number_reload.h"
#include "redis/functions.h"

namespace ringtrace::gateway {
namespace {

constexpr auto kReloadRetry = std::chrono::seconds(1);
// Events in memory on their way to Redis, when there is a spool.
constexpr std::size_t kMostQueued = 10'000;
// The gateway that carries a call closes it by its age itself; only then may others.
constexpr auto kSweepDelay = std::chrono::minutes(1);
// How often it is noted down what the store has acknowledged.
constexpr auto kRemember = std::chrono::seconds(10);

redis::Endpoint endpoint_of(const RedisAddress& address) {
  return {address.socket_path, address.host, address.port};
}

redis::ConnectionOptions options_of(const RedisConfig& config) {
  using Kind = RedisAddress::Kind;
  redis::ConnectionOptions options;
  std::vector<redis::Endpoint> nodes;
  for (const RedisAddress& node : config.nodes) nodes.push_back(endpoint_of(node));
  switch (config.address.kind) {
    case Kind::kServer:
      options.endpoint = endpoint_of(config.address);
      break;
    case Kind::kSentinel:
      options.sentinel.sentinels = std::move(nodes);
      options.sentinel.master = config.address.master;
      options.sentinel.password = config.sentinel_password;
      break;
    case Kind::kCluster:
      options.cluster = std::move(nodes);
      options.cluster.push_back(endpoint_of(config.address));
      break;
  }
  options.tls = {config.address.tls, config.ca_file, config.certificate_file, config.key_file};
  options.user = config.user;
  options.password = config.password;
  options.database = static_cast<int>(config.address.database);
  options.connect_timeout = config.connect_timeout;
  options.command_timeout = config.command_timeout;
  options.max_commands = config.max_queue;
  return options;
}

redis::LeaseStoreOptions lease_options_of(const RedisConfig& config) {
  redis::LeaseStoreOptions options;
  options.retention = config.holder_retention;
  options.max_writes = config.max_queue;
  options.replicas = config.wait_replicas;
  return options;
}

redis::ClaimOptions claim_options_of(const Config& config, const ClaimFile& file) {
  redis::ClaimOptions options;
  for (const pool::PoolConfig& pool : config.pools.pools) options.pools.push_back(pool.name.to_string());
  options.name = config.name;
  options.length = config.redis->claim;
  options.fails_over = config.redis->address.kind != RedisAddress::Kind::kServer;
  options.memories = file.read();
  return options;
}

redis::CallLogOptions call_log_options_of(const Config& config, const redis::CallerKey& caller_key) {
  redis::CallLogOptions options;
  options.retention = config.events.retention;
  options.max_length = config.events.max_length;
  options.caller_retention = config.events.caller_retention;
  options.attributes_retention = config.events.attributes_retention;
  options.caller_key = caller_key;
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

StorePart::StorePart(boost::asio::io_context& io, const Config& config, const redis::CallerKey& caller_key,
                     const pool::Clock& clock, Log& log, Readiness& readiness)
    : io_(io),
      log_(log),
      readiness_(readiness),
      claim_file_(config.state_directory),
      caller_key_(caller_key),
      personal_retention_{config.events.caller_retention, config.events.attributes_retention},
      connection_(io, options_of(*config.redis), redis::prepare_server(lines_into(log)), lines_into(log)),
      claims_(connection_, claim_options_of(config, claim_file_), lines_into(log)),
      leases_(connection_, claims_, lease_options_of(*config.redis)),
      holders_(connection_),
      calls_(connection_, call_log_options_of(config, caller_key), lines_into(log)),
      index_(connection_),
      numbers_(connection_),
      subscriptions_(connection_),
      reader_(calls_),
      index_reader_(index_),
      number_book_(numbers_),
      subscription_store_(subscriptions_),
      sweep_(connection_, calls_, {.max_age = config.sip.max_call_age + kSweepDelay},
             [&clock] { return clock.now(); }),
      spool_(calls_, spool_options_of(config), log, [this](v1::CallEvent& event) { late_->pass(event); }),
      blind_(io),
      retry_(io) {
  aftermath_ = std::make_unique<Aftermath>(config, leases_, log);
  readiness_.not_ready("store", "connecting");
}

StorePart::~StorePart() {
  if (reload_) reload_->stop();
}

void StorePart::start(pool::Leasing& leasing, Settled settled, Lost lost) {
  leasing_ = &leasing;
  replay_ = std::make_unique<LeaseReplay>(leasing, log_);
  settled_ = std::move(settled);
  lost_ = std::move(lost);
  late_ = std::make_unique<LateAttribution>(
      leasing.pools(),
      [this](const std::string& pool, pool::Number number, pool::Time at, redis::HolderLog::Done done) {
        holders_.holders(pool, number, at, redis::HolderLog::kMost, std::move(done));
      },
      [this](v1::CallEvent event) { return calls_.append(std::move(event)); },
      [this] { return leasing_->clock().now(); });
  eraser_ = std::make_unique<StoreCallerEraser>(leasing, caller_key_, personal_retention_, connection_,
                                                spool_, log_);
  aftermath_->begin(leasing);
  spool_.start();
  connection_.on_state([this](bool ready, const std::string& reason) { changed(ready, reason); });
  claims_.on_claimed([this](const redis::Claim& claim) { claimed(claim); });
  claims_.on_state([this] { ownership_changed(); });
  connection_.start();
}

void StorePart::changed(bool ready, const std::string& reason) {
  connected_ = ready;
  if (ready) return readiness_.not_ready("store", "claiming the pools");
  readiness_.not_ready("store", "not connected: " + reason);
  log_.warning("store away: leases are answered from memory and are not durable until it is back",
               {{"reason", reason}});
  settle_without_store();
}

void StorePart::claimed(const redis::Claim& claim) {
  remember_claims();
  if (claim.loss == redis::Loss::kNone) return;
  aftermath_->lost(
      claim.loss == redis::Loss::kCertain ? Aftermath::Loss::kCertain : Aftermath::Loss::kPossible,
      claim.again);
  if (claim.again) return write_again(claim.memory.pool);
  losses_.push_back(claim);
}

/// The store forgot what memory knows: the replay writes all of it.
void StorePart::write_again(const std::string& pool) {
  const auto index = leasing_->pools().find(pool);
  if (!index) return;
  std::vector<pool::LeaseView> found(256);
  std::uint32_t from = 0;
  std::uint64_t count = 0;
  while (const std::size_t read = leasing_->pools().scan(*index, from, false, found)) {
    for (std::size_t i = 0; i < read; ++i) {
      leasing_->pools().set_durable(found[i].ticket, found[i].expire, false);
    }
    count += read;
  }
  log_.warning("the store lost leases it had acknowledged; they are written again",
               {{"pool", pool}, {"leases", count}});
}

void StorePart::ownership_changed() {
  switch (claims_.state()) {
    case redis::Claims::State::kAsking:
      return;
    case redis::Claims::State::kOurs:
      aftermath_->store_came();
      if (!reloaded_) return reload();
      readiness_.ready("store");
      replay_->store_came();
      return log_.info("store back");
    case redis::Claims::State::kTheirs:
      return readiness_.not_ready("store", claims_.owner());
    case redis::Claims::State::kLost:
      readiness_.not_ready("store", claims_.owner());
      if (Lost lost = std::exchange(lost_, nullptr)) lost();
      return;
  }
}

bool StorePart::is_foreign() const {
  const redis::Claims::State state = claims_.state();
  return state == redis::Claims::State::kTheirs || state == redis::Claims::State::kLost;
}

void StorePart::give_up() {
  remember_claims();
  claims_.give_up();
}

void StorePart::remember_claims() {
  remembered_ = std::chrono::steady_clock::now();
  if (claim_file_.write(claims_.memories())) return;
  log_.warning("what the store has acknowledged cannot be noted in the state directory");
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
  reload_ = std::make_shared<LeaseReload>(io_, leases_, leasing_->pools(), leasing_->clock(), log_,
                                          [this](const std::string& problem) { reloaded(problem); });
  reload_->start();
}

void StorePart::reloaded(const std::string& problem) {
  reloading_ = false;
  if (problem.empty()) {
    reloaded_ = true;
    blind_.cancel();
    aftermath_->all_reloaded();
    replay_->store_came();
    if (connected_) readiness_.ready("store");
    return settle();
  }
  log_.warning("reloading leases failed; trying again", {{"reason", problem}});
  if (!connected_) return;  // begins anew with the next connection
  readiness_.not_ready("store", "reloading leases failed: " + problem);
  retry_.expires_after(kReloadRetry);
  retry_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled && connected_ && !reloaded_ && !is_foreign()) reload();
  });
}

void StorePart::settle_without_store() {
  const pool::Time until = aftermath_->blind_until();
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
  const auto now = std::chrono::steady_clock::now();
  const bool serving = connected_ && reloaded_;
  if (serving) replay_->tick(now);
  if (serving && now - remembered_ >= kRemember) remember_claims();
  if (connected_) late_->ask();
  aftermath_->tick(connected_, serving && replay_->is_done());
}

bool StorePart::is_flushed() const {
  const redis::ConnectionStats connection = connection_.stats();
  if (!connection.ready) return true;
  return leases_.outstanding() + connection.waiting + connection.in_flight == 0 &&
         calls_.stats().queued == 0 && subscriptions_.waiting() == 0 && spool_.stats().waiting == 0;
}

}  // namespace ringtrace::gateway
