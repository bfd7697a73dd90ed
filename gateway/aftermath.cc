#include "gateway/aftermath.h"

#include <algorithm>
#include <set>
#include <utility>

namespace ringtrace::gateway {
namespace {

constexpr auto kWordEvery = std::chrono::seconds(1);
// A word speaks for leases of that time, and until a late one follows it.
constexpr auto kWordAhead = 2 * kWordEvery;

// What a Redis that does not sync each write may lose when it dies (appendfsync everysec), and a little more.
constexpr std::uint64_t kLossSeconds = 3;

// Held back at least, when anything may have been lost.
constexpr std::uint64_t kLeastHeld = 16;

std::set<std::string> required_pools(const Config& config) {
  std::set<std::string> names;
  for (const pool::PoolConfig& pool : config.pools.pools) {
    if (pool.durability == pool::Durability::kRequired) names.insert(pool.name.to_string());
  }
  return names;
}

std::int64_t seconds(pool::Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

Aftermath::Aftermath(const Config& config, pool::LeaseStore& store, Log& log)
    : directory_(config.state_directory),
      journal_bytes_(config.events.spool_bytes),
      log_(log),
      journal_(store, required_pools(config), log) {
  if (directory_.empty()) {
    log_.warning(
        "no state_directory: a kill of the gateway costs the call events and leases that Redis does not "
        "have");
    journal_.note_word(pool::Time::max());  // nobody reads it
    return;
  }
  last_ = read_last_life(directory_ / "last-life");
  journal_.open(directory_ / "leases.journal", journal_bytes_);
}

void Aftermath::begin(pool::Leasing& leasing) {
  leasing_ = &leasing;
  hold_back_ = std::make_unique<HoldBack>(leasing.pools());
  const pool::Time now = leasing.clock().now();
  for (std::uint32_t i = 0; i < leasing.pools().pool_count(); ++i) {
    const pool::PoolConfig& config = leasing.pools().config({i});
    longest_bound_ = std::max(longest_bound_, config.ttl + config.hold);
  }
  journal_.restore_into(leasing.pools(), now);
  if (last_ && last_->bound_until > now) journal_.note_bound(last_->bound_until);
  if (last_ && last_->loss > 0 && last_->loss_until > now) {
    loss_ = last_->loss > 1 ? Loss::kCertain : Loss::kPossible;
    loss_until_ = last_->loss_until;
    left_held_ = last_->held;
  }
}

pool::Time Aftermath::blind_until() const {
  const bool bound = last_ && last_->bound_until > leasing_->clock().now();
  return bound ? last_->bound_until : pool::kNever;
}

void Aftermath::others_lent() {
  lent_by_others_ = true;
  journal_.forget_ends(leasing_->pools(), leasing_->clock().now());
}

void Aftermath::lost(Loss loss, bool remembered) {
  if (loss == Loss::kNone) return;
  const pool::Time now = leasing_->clock().now();
  // Without a word of an earlier life every number may have been lent until a moment ago.
  const bool known = !remembered && !lent_by_others_ && last_;
  const pool::Time until = std::max(journal_.bound_until(), known ? pool::kNever : now + longest_bound_);
  remembered_ = remembered && (loss_ == Loss::kNone || remembered_);
  lost_anew_ = true;
  loss_ = std::max(loss_, loss);
  loss_until_ = std::max(loss_until_, until);
  leave_word(now, true);
}

void Aftermath::all_reloaded() {
  journal_.end_what_ended(*leasing_);
  const pool::Time now = leasing_->clock().now();
  if (loss_ == Loss::kNone || loss_until_ <= now) return;
  for (std::uint32_t i = 0; i < leasing_->pools().pool_count(); ++i) hold_back({i}, now);
  leave_word(now, true);  // before anything is lent from behind them
}

/// Of a loss that is possible: as many numbers as can have been lent in that time. They lie behind those that
/// the last life held back and did not lend.
std::uint64_t Aftermath::count_to_hold(const pool::PoolConfig& config) const {
  if (!lost_anew_ && left_held_ > 0) return left_held_;
  // Who does not know how many were lent takes a tenth for more than enough.
  const std::uint64_t lent =
      last_ && !lent_by_others_ ? last_->leases_per_second * kLossSeconds : config.numbers.size() / 10;
  return left_held_ + std::max(kLeastHeld, lent);
}

void Aftermath::hold_back(pool::PoolIndex pool, pool::Time now) {
  pool::NumberPools& pools = leasing_->pools();
  const pool::PoolConfig& config = pools.config(pool);
  // What was written in the last seconds before the last acknowledgement can be lost; whatever was, is over
  // when it is older than the longest lease.
  const bool known = last_ && !lent_by_others_ && loss_ == Loss::kPossible;
  const pool::Time since = std::max(
      known ? last_->acknowledged - std::chrono::seconds(kLossSeconds) : pool::kNever, now - longest_bound_);
  hold_back_->extend(pool, loss_until_, since, now);
  std::uint64_t count = pools.counts(pool, now).free;
  if (loss_ == Loss::kPossible) count = std::min(count, count_to_hold(config));
  const std::size_t held = hold_back_->hold(pool, count, loss_until_, now);
  log_.warning("the store may have lost leases: numbers are held back that may stand in browsers",
               {{"pool", config.name.view()},
                {"numbers", held},
                {"loss", loss_ == Loss::kCertain ? "certain" : "possible"},
                {"seconds", seconds(loss_until_ - now)},
                {"until_ms", loss_until_.time_since_epoch().count()}});
}

void Aftermath::tick(bool connected, bool told) {
  const pool::Time now = leasing_->clock().now();
  hold_back_->tick(now);
  journal_.tick(told);
  const bool made_good = told && remembered_;
  if (loss_ != Loss::kNone && (made_good || loss_until_ <= now)) loss_ = Loss::kNone;
  if (const std::uint64_t seen = journal_.acknowledged(); seen != seen_acknowledged_) {
    seen_acknowledged_ = seen;
    acknowledged_at_ = now;
  }
  // At once when a lease is to last longer than all before it.
  const bool due = now >= next_word_;
  if (!due && journal_.bound_until() <= word_bound_) return;
  if (due) {
    next_word_ = now + kWordEvery;
    note_rate();
  }
  leave_word(now, connected);
}

void Aftermath::note_rate() {
  const std::uint64_t acknowledged = journal_.acknowledged();
  rates_[rate_++ % rates_.size()] = acknowledged - std::exchange(acknowledged_, acknowledged);
}

void Aftermath::leave_word(pool::Time now, bool connected) {
  if (directory_.empty()) return;
  LastLife life;
  life.alive = now;
  // What is acknowledged before the next word counts, too.
  life.bound_until =
      std::max(journal_.bound_until(), connected ? now + longest_bound_ + kWordAhead : pool::kNever);
  word_bound_ = life.bound_until;
  life.acknowledged = std::max(acknowledged_at_, last_ ? last_->acknowledged : pool::kNever);
  life.leases_per_second = *std::max_element(rates_.begin(), rates_.end());
  if (loss_ != Loss::kNone) {
    life.loss = loss_ == Loss::kCertain ? 2 : 1;
    life.loss_until = loss_until_;
    life.held = left_held_;
    for (std::uint32_t i = 0; i < leasing_->pools().pool_count(); ++i) {
      life.held = std::max<std::uint64_t>(life.held, hold_back_->held({i}));
    }
    if (last_) life.leases_per_second = std::max(life.leases_per_second, last_->leases_per_second);
  }
  if (write_last_life(directory_ / "last-life", life)) {
    told_disk_ = false;
    journal_.note_word(life.bound_until);
  } else if (!std::exchange(told_disk_, true)) {
    log_.error("the state directory cannot be written to", {{"directory", directory_.string()}});
  }
}

Aftermath::Held Aftermath::held(pool::PoolIndex pool) const {
  return {hold_back_->held(pool), hold_back_->until(pool)};
}

}  // namespace ringtrace::gateway
