#include "gateway/hold_back.h"

#include <algorithm>
#include <random>
#include <unordered_set>

namespace ringtrace::gateway {
namespace {

std::string random_name() {
  std::random_device random;
  std::string name = "held-back";
  for (int i = 0; i < 4; ++i) name += '-' + std::to_string(random());
  return name + '-';
}

}  // namespace

HoldBack::HoldBack(pool::NumberPools& pools)
    : pools_(pools), name_(random_name()), figures_(pools.pool_count()) {}

std::size_t HoldBack::hold(pool::PoolIndex pool, std::size_t count, pool::Time until, pool::Time now) {
  const std::size_t most = std::min<std::size_t>(count, pools_.counts(pool, now).free);
  std::size_t held = 0;
  for (; held < most; ++held) {
    const std::string visit = name_ + std::to_string(serial_++);
    const pool::Reservation reservation =
        pools_.reserve(pool, {visit, "", "", ""}, until - now, pool::AdmissionClass::kValuable, now);
    if (reservation.outcome != pool::ReserveOutcome::kReserved) break;
    held_.push_back({reservation.ticket, until});
  }
  Figures& figures = figures_[pool.value];
  figures.held += held;
  if (held > 0) figures.until = std::max(figures.until.load(), until);
  return held;
}

void HoldBack::extend(pool::PoolIndex pool, pool::Time until, pool::Time since, pool::Time now) {
  const pool::Duration hold = pools_.config(pool).hold;
  if (until <= now) return;
  // Of one that can only be in its hold any more that begins a moment from now: too late rather than too
  // early.
  const pool::Time expire = std::max(until - hold, now + pool::Duration(1));
  std::unordered_set<std::uint32_t> held_slots;
  for (const Held& held : held_) {
    if (held.ticket.pool == pool) held_slots.insert(held.ticket.slot);
  }
  std::vector<pool::LeaseView> found(256);
  std::uint32_t from = 0;
  while (const std::size_t read = pools_.scan(pool, from, false, found)) {
    for (std::size_t i = 0; i < read; ++i) {
      const pool::LeaseView& lease = found[i];
      if (lease.expire + hold < std::min(since, now) || lease.expire >= expire) continue;
      if (held_slots.contains(lease.ticket.slot)) continue;
      const auto stands = pools_.find_lease(pool, lease.visit.view(), now);
      if (stands && stands->ticket != lease.ticket) continue;  // it has asked again since
      pools_.restore(
          pool, {lease.number, {lease.visit.view(), "", lease.source.view(), ""}, lease.start, expire, {}},
          now);
      pools_.set_durable(lease.ticket, expire, false);
    }
  }
}

void HoldBack::tick(pool::Time now) {
  std::erase_if(held_, [&](const Held& held) {
    if (held.until > now) return false;
    pools_.cancel(held.ticket, now);
    Figures& figures = figures_[held.ticket.pool.value];
    if (--figures.held == 0) figures.until = pool::kNever;
    return true;
  });
}

}  // namespace ringtrace::gateway
