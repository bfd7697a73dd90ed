#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/pool/history.h"
#include "tests/pool/pool_fixture.h"

namespace ringtrace::pool::testing {

/// One thread's use of a pool, from a seed: visits of its own, some of visitors that come back, that lend,
/// cancel, renew, release, take back, run out, and get looked up. Notes what it saw.
template <typename Pool>
class PoolUser {
 public:
  /// `tick`: counts up by one with each call of it, on any thread; a count is a millisecond of pool time.
  template <typename Tick>
  PoolUser(Pool& pool, std::uint64_t seed, std::uint64_t who, int visitors, Tick& tick)
      : pool_(pool), random_(seed * 64 + who), who_(who), visitors_(visitors), tick_([&tick] {
          return tick();
        }) {}

  static Time time(std::uint64_t count) { return at(milliseconds(static_cast<std::int64_t>(count))); }

  void step() {
    const std::uint64_t dice = random_() % 16;
    const std::uint64_t began = tick_();
    if (dice < 6 && open_.size() < 4) {
      lend(began, dice == 0);
    } else if (dice < 8) {
      std::array<LeaseView, 16> ended;
      pool_.advance(time(began), ended);
    } else if (!open_.empty()) {
      HeldSpan& span = open_[random_() % open_.size()];
      if (dice < 10) {
        renew(span, began);
      } else if (dice < 11) {
        look(span, began);
      } else {
        release(span, began);
      }
    } else if (gone_ && gone_->released <= began) {
      take_back(began);
    }
    calls_.push_back({began, tick_()});
  }

  /// Gives everything back.
  void finish() {
    while (!open_.empty()) {
      const std::uint64_t began = tick_();
      release(open_.back(), began);
      calls_.push_back({began, tick_()});
    }
  }

  const std::vector<HeldSpan>& history() const { return done_; }
  const std::vector<CallSpan>& calls() const { return calls_; }
  /// What must not be, and was seen at once.
  const std::string& wrong() const { return wrong_; }

 private:
  static constexpr std::uint64_t kLong = 1'000'000'000;

  std::string id(std::uint64_t visit) const { return std::to_string(visit); }

  void lend(std::uint64_t now, bool cancel) {
    const std::uint64_t visit = who_ << 32 | ++visits_;
    const int visitor =
        visitors_ == 0 ? 0 : static_cast<int>(random_() % static_cast<unsigned>(visitors_ * 2));
    const std::string name = id(visit);
    const std::string browser = visitor < visitors_ ? "visitor " + std::to_string(visitor) : "";
    const bool runs_out = random_() % 8 == 0;
    const Duration ttl(runs_out ? 30 : static_cast<std::int64_t>(kLong));
    const Reservation made = pool_.reserve({name, visitors_ == 0 ? "" : browser, "s", ""}, ttl,
                                           AdmissionClass::kNormal, time(now));
    if (made.outcome == ReserveOutcome::kFallback) return;
    if (made.outcome != ReserveOutcome::kReserved) wrong_ = "a new visit holds something";
    if (cancel) {
      HeldSpan span{
          made.number, visit, tick_(), tick_(), now, 0, made.sticky, made.sticky || made.out_of_turn, true};
      if (!pool_.cancel(made.ticket, time(span.released))) wrong_ = "a reservation that cannot be cancelled";
      done_.push_back(span);
      return;
    }
    if (!pool_.commit(made.ticket, true, time(tick_()))) wrong_ = "a reservation that cannot be committed";
    HeldSpan span{made.number, visit, tick_(), 0, now, 0, made.sticky, made.sticky || made.out_of_turn};
    if (runs_out) {
      const auto expire = static_cast<std::uint64_t>((made.expire - at(milliseconds(0))).count());
      span.unsure = expire <= span.acquired;
      span.released = span.unsure ? span.acquired : expire;
      done_.push_back(span);
      gone_ = span;
    } else {
      open_.push_back(span);
    }
  }

  void renew(const HeldSpan& span, std::uint64_t now) {
    const auto lease = pool_.renew(id(span.visit), time(now + kLong), time(now));
    if (!lease || lease->number != span.number) wrong_ = "a live lease that cannot be renewed";
  }

  void look(const HeldSpan& span, std::uint64_t now) {
    const auto lease = pool_.find_lease(id(span.visit), time(now));
    if (!lease || !lease->live || lease->number != span.number) wrong_ = "a live lease that is not found";
    Resolution who;
    pool_.holders(lease ? lease->ticket.slot : 0, time(now), who);
    if (who.candidate_count == 0 || who.candidates().front().visit.view() != id(span.visit))
      wrong_ = "a call that is not its holder's";
    for (const Candidate& holder : who.candidates()) {
      if (holder.visit.empty()) wrong_ = "a candidate without a visit";
    }
  }

  void release(HeldSpan& span, std::uint64_t now) {
    span.released = now;
    if (!pool_.release(id(span.visit), time(now))) wrong_ = "a live lease that cannot be released";
    span.returned = tick_();
    done_.push_back(span);
    gone_ = span;
    span = open_.back();
    open_.pop_back();
  }

  /// The visit comes back, perhaps inside the hold.
  void take_back(std::uint64_t now) {
    const HeldSpan last = *gone_;
    gone_.reset();
    const auto lease = pool_.renew(id(last.visit), time(now + kLong), time(now));
    if (!lease) return;
    if (lease->number != last.number) wrong_ = "a visit taken back to another number";
    HeldSpan span{last.number, last.visit, tick_(), 0, now, 0, true, true};
    open_.push_back(span);
  }

  Pool& pool_;
  std::mt19937_64 random_;
  const std::uint64_t who_;
  const int visitors_;
  const std::function<std::uint64_t()> tick_;
  std::uint64_t visits_ = 0;
  std::vector<HeldSpan> open_;
  std::vector<HeldSpan> done_;
  std::optional<HeldSpan> gone_;  // the latest to end, which may come back
  std::vector<CallSpan> calls_;
  std::string wrong_;
};

}  // namespace ringtrace::pool::testing
