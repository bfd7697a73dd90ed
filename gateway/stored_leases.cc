#include "gateway/stored_leases.h"

#include <utility>

#include "gateway/number_reload.h"
#include "gateway/redis_lines.h"

namespace ringtrace::gateway {
namespace {

constexpr auto kReloadRetry = std::chrono::seconds(1);
// How often it is noted down what the store has acknowledged.
constexpr auto kRemember = std::chrono::seconds(1);

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

}  // namespace

StoredLeases::StoredLeases(boost::asio::io_context& io, redis::Connection& connection, const Config& config,
                           Log& log, Readiness& readiness)
    : io_(io),
      connection_(connection),
      log_(log),
      readiness_(readiness),
      claim_file_(config.state_directory),
      claims_(connection, claim_options_of(config, claim_file_), lines_into(log)),
      leases_(connection, claims_, lease_options_of(*config.redis)),
      numbers_(connection),
      blind_(connection.make_alarm()),
      retry_(connection.make_alarm()) {
  aftermath_ = std::make_unique<Aftermath>(config, leases_, log);
  readiness_.not_ready("store", "connecting");
}

StoredLeases::~StoredLeases() {
  if (reload_) reload_->stop();
}

void StoredLeases::start(pool::Leasing& leasing, Settled settled, Lost lost) {
  leasing_ = &leasing;
  replay_ = std::make_unique<LeaseReplay>(leasing, log_);
  takeover_ = std::make_unique<NumberTakeover>(numbers_, leasing.pools(), log_);
  settled_ = std::move(settled);
  lost_ = std::move(lost);
  aftermath_->begin(leasing);
  connection_.on_state([this](bool ready, const std::string& reason) { changed(ready, reason); });
  claims_.on_claimed([this](const redis::Claim& claim) { claimed(claim); });
  claims_.on_state([this] { ownership_changed(); });
}

void StoredLeases::changed(bool ready, const std::string& reason) {
  connected_ = ready;
  if (ready) return readiness_.not_ready("store", "claiming the pools");
  readiness_.not_ready("store", "not connected: " + reason);
  log_.warning("store away: leases are answered from memory and are not durable until it is back",
               {{"reason", reason}});
  settle_without_store();
}

void StoredLeases::claimed(const redis::Claim& claim) {
  remember_claims();
  if (claim.others_since && !claim.again) aftermath_->others_lent();
  if (claim.loss == redis::Loss::kNone) return;
  const auto loss =
      claim.loss == redis::Loss::kCertain ? Aftermath::Loss::kCertain : Aftermath::Loss::kPossible;
  // Who had not read all of it before cannot write all of it again.
  const bool remembered = claim.again && reloaded_;
  aftermath_->lost(loss, remembered);
  if (remembered) return write_again(claim.memory.pool);
  losses_.push_back(claim);
}

/// The store forgot what memory knows: the replay writes all of it.
void StoredLeases::write_again(const std::string& pool) {
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

void StoredLeases::ownership_changed() {
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

bool StoredLeases::is_foreign() const {
  const redis::Claims::State state = claims_.state();
  return state == redis::Claims::State::kTheirs || state == redis::Claims::State::kLost;
}

void StoredLeases::give_up() {
  remember_claims();
  claims_.give_up();
}

void StoredLeases::remember_claims() {
  if (claim_file_.write(claims_.memories())) return;
  log_.warning("what the store has acknowledged cannot be noted in the state directory");
}

void StoredLeases::reload() {
  readiness_.not_ready("store", "reloading leases");
  if (reloading_) return;  // a reload that lost its connection ends by itself, and begins anew
  reloading_ = true;
  std::make_shared<NumberReload>(numbers_, leasing_->pools(), log_, [this](const std::string& problem) {
    problem.empty() ? reload_leases() : reloaded(problem);
  })->start();
}

void StoredLeases::reload_leases() {
  const auto end_of = [this](std::string_view pool, pool::Number number, std::string_view visit) {
    return aftermath_->leases().end_of(pool, number, visit);
  };
  reload_ = std::make_shared<LeaseReload>(io_, leases_, leasing_->pools(), leasing_->clock(), log_, end_of,
                                          [this](const std::string& problem) { reloaded(problem); });
  reload_->start();
}

void StoredLeases::reloaded(const std::string& problem) {
  reloading_ = false;
  if (problem.empty()) {
    reloaded_ = true;
    blind_->cancel();
    aftermath_->all_reloaded();
    replay_->store_came();
    if (connected_) readiness_.ready("store");
    return settle();
  }
  log_.warning("reloading leases failed; trying again", {{"reason", problem}});
  if (!connected_) return;  // begins anew with the next connection
  readiness_.not_ready("store", "reloading leases failed: " + problem);
  retry_->set(kReloadRetry, [this] {
    if (connected_ && !reloaded_ && !is_foreign()) reload();
  });
}

void StoredLeases::settle_without_store() {
  const pool::Time until = aftermath_->blind_until();
  if (reloaded_ || until == pool::kNever) return settle();
  const auto left = until - leasing_->clock().now();
  log_.warning(
      "numbers lent before may be in use, and only the store knows them: none is lent until it is back",
      {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(left).count()}});
  blind_->set(left, [this] {
    if (!reloaded_) settle();
  });
}

void StoredLeases::settle() {
  if (Settled settled = std::exchange(settled_, nullptr)) settled();
}

void StoredLeases::tick(std::chrono::steady_clock::time_point now) {
  const bool serving = connected_ && reloaded_;
  if (serving) replay_->tick(now);
  takeover_->tick(serving);
  if (serving && now - remembered_ >= kRemember) {
    remembered_ = now;
    remember_claims();
  }
  aftermath_->tick(connected_, serving && replay_->is_done());
}

}  // namespace ringtrace::gateway
