#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pool/number_pools.h"

namespace ringtrace::pool::testing {

/// The number pool as one would write it on a page: what LendingPool does when its operations come one after
/// another, without a word on how. Numbers are 0 to n - 1, times milliseconds, 0 is never.
class PlainPool {
 public:
  enum class State { kFree, kReserved, kLeased, kHeld };

  struct Lease {
    std::string visit;
    std::string visitor;
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::uint64_t ticket = 0;
    bool disowned = false;  // its visit does not come back to it
  };

  /// One number. An entry in the queue stays where it is when the number is taken out of order (`queued`);
  /// when it rests again before the entry comes up, it goes to the end only then (`stale`).
  struct Place {
    State state = State::kFree;
    bool draining = false;
    bool queued = false;
    bool stale = false;
    bool apart = false;            // rests where its entry, if it has one, does not say
    std::optional<Lease> last;     // the present or the last holder
    Lease pending;                 // of the reservation
    bool visitor_of_last = false;  // no reservation has come and gone since
    std::int64_t rested = 0;
  };

  struct Answer {
    ReserveOutcome outcome = ReserveOutcome::kFallback;
    std::size_t number = 0;
    std::int64_t start = 0, expire = 0, idle_since = 0;
    std::uint64_t ticket = 0;
  };

  PlainPool(std::size_t numbers, std::int64_t hold, std::size_t reserve)
      : places(numbers), hold_(hold), reserve_(reserve) {}

  /// `shown`: what the pool under test gave. It settles a choice where either of two would be right.
  Answer reserve(const std::string& visit, const std::string& visitor, bool valuable, std::int64_t ttl,
                 std::int64_t now, std::optional<std::size_t> shown = {}) {
    settle(now);
    if (const auto pending = pending_of(visit)) return answer(ReserveOutcome::kPending, *pending, now);
    if (const auto own = live_or_held(visit, now, shown)) {
      extend(*own, now + ttl);
      return answer(ReserveOutcome::kHeld, *own, now);
    }
    const auto number = take(visit, visitor, valuable, now, shown);
    if (!number) return {};
    Place& place = places[*number];
    place.state = State::kReserved;
    place.visitor_of_last = false;
    place.pending = {visit, visitor, now, now + ttl, ++tickets_, false};
    return answer(ReserveOutcome::kReserved, *number, now);
  }

  bool commit(std::size_t number, std::uint64_t ticket, std::int64_t now) {
    settle(now);
    Place& place = places[number];
    if (place.state == State::kLeased) return place.last->ticket == ticket;
    if (place.state != State::kReserved || place.pending.ticket != ticket) return false;
    place.state = State::kLeased;
    place.apart = place.apart || place.pending.end <= now;
    place.last = place.pending;
    place.visitor_of_last = true;
    visitors_[place.last->visitor] = number;
    return true;
  }

  bool cancel(std::size_t number, std::uint64_t ticket, std::int64_t now) {
    Place& place = places[number];
    if (place.state != State::kReserved || place.pending.ticket != ticket) return false;
    give_back(number, now);
    return true;
  }

  bool hold_back(std::size_t number, std::uint64_t ticket, std::int64_t now) {
    settle(now);
    Place& place = places[number];
    if (place.state == State::kReserved && place.pending.ticket == ticket) {
      place.rested = std::max(place.rested, now);
      place.stale = place.queued;
      if (place.last) place.last->disowned = true;
      return cancel(number, ticket, now);
    }
    if (place.state != State::kLeased || place.last->ticket != ticket) return false;
    place.last->disowned = true;
    end(number, now);
    return true;
  }

  /// The number renewed, or none.
  std::optional<std::size_t> renew(const std::string& visit, std::int64_t expire, std::int64_t now,
                                   std::optional<std::size_t> shown = {}) {
    settle(now);
    if (pending_of(visit)) return std::nullopt;
    const auto own = live_or_held(visit, now, shown);
    if (!own || (places[*own].state == State::kHeld && expire <= now)) return std::nullopt;
    extend(*own, expire);
    return own;
  }

  std::optional<std::size_t> release(const std::string& visit, std::int64_t now) {
    settle(now);
    if (pending_of(visit)) return std::nullopt;
    const auto own = live_or_held(visit, now, {});
    if (!own || places[*own].state != State::kLeased) return std::nullopt;
    end(*own, now);
    return own;
  }

  bool drain(std::size_t number) { return !std::exchange(places[number].draining, true); }

  bool undrain(std::size_t number) {
    Place& place = places[number];
    if (!std::exchange(place.draining, false)) return false;
    if (place.state == State::kFree && !place.queued) give_back(number, kLatest);
    return true;
  }

  void add_number() { places.emplace_back(); }

  /// Leases end when they are due, the first due first.
  void settle(std::int64_t now) {
    for (;;) {
      std::optional<std::size_t> first;
      for (std::size_t i = 0; i < places.size(); ++i) {
        if (places[i].state != State::kLeased || places[i].last->end > now) continue;
        if (!first || places[i].last->end < places[*first].last->end) first = i;
      }
      if (!first) return;
      end(*first, places[*first].last->end);
    }
  }

  std::int64_t idle_since(std::size_t number) const {
    return std::max(places[number].last ? places[number].last->end : 0, places[number].rested);
  }
  bool hold_over(std::size_t number, std::int64_t now) const {
    return idle_since(number) == 0 || idle_since(number) + hold_ <= now;
  }

  bool is_free(std::size_t number, std::int64_t now) const {
    const State state = places[number].state;
    return state == State::kFree || (state == State::kHeld && hold_over(number, now));
  }

  std::vector<Place> places;

 private:
  static constexpr std::int64_t kLatest = std::int64_t{1} << 42;

  Answer answer(ReserveOutcome outcome, std::size_t number, std::int64_t now) const {
    const Place& place = places[number];
    const Lease& lease = outcome == ReserveOutcome::kHeld ? *place.last : place.pending;
    const std::int64_t since = outcome == ReserveOutcome::kHeld ? now : idle_since(number);
    return {outcome, number, lease.start, lease.end, since, lease.ticket};
  }

  std::optional<std::size_t> pending_of(const std::string& visit) const {
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (places[i].state == State::kReserved && places[i].pending.visit == visit) return i;
    }
    return std::nullopt;
  }

  bool owned_by(std::size_t number, const std::string& visit) const {
    const auto& last = places[number].last;
    return last && last->visit == visit && !last->disowned;
  }

  std::optional<std::size_t> live_or_held(const std::string& visit, std::int64_t now,
                                          std::optional<std::size_t> shown) const {
    std::optional<std::size_t> held;
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (!owned_by(i, visit)) continue;
      if (places[i].state == State::kLeased) return i;
      if (places[i].state == State::kHeld && !hold_over(i, now) && (!held || shown == i)) held = i;
    }
    return held;
  }

  void extend(std::size_t number, std::int64_t expire) {
    places[number].state = State::kLeased;
    places[number].last->end = std::max(places[number].last->end, expire);
  }

  /// The lease is over: its number rests.
  void end(std::size_t number, std::int64_t at) {
    Place& place = places[number];
    place.last->end = at;
    place.state = State::kHeld;
    visitors_[place.last->visitor] = number;
    place.stale = place.queued;
    place.apart = place.apart || place.queued;
    if (!place.queued) queue_.push_back(number);
    place.queued = true;
  }

  /// A number taken and not lent goes back to where it was: to the front, of which there are four places.
  void give_back(std::size_t number, std::int64_t now) {
    Place& place = places[number];
    const bool held = !hold_over(number, now);
    const auto room = std::find(returned_.begin(), returned_.end(), std::nullopt);
    if (!place.queued && !held && room != returned_.end()) {
      place.state = State::kFree;
      *room = number;
      return;
    }
    place.apart = true;
    place.state = held || !place.queued ? State::kHeld : State::kFree;
    if (!place.queued) queue_.push_back(number);
    place.queued = true;
  }

  bool may_take_free(bool valuable, std::int64_t now) {
    if (reserve_ == 0) return true;
    for (const std::size_t number : queue_) {
      Place& place = places[number];
      if (place.state != State::kHeld || place.stale) continue;
      if (!hold_over(number, now)) break;
      place.state = State::kFree;
    }
    const auto kept = valuable ? 0 : reserve_;
    if (free_numbers() > kept) return true;
    for (std::size_t number = 0; number < places.size(); ++number) {
      Place& place = places[number];
      const bool over = place.state == State::kHeld && hold_over(number, now);
      if (over && place.apart) place.state = State::kFree;
    }
    return free_numbers() > kept;
  }

  std::size_t free_numbers() const {
    return static_cast<std::size_t>(std::count_if(places.begin(), places.end(), [](const Place& place) {
      return place.state == State::kFree && !place.draining;
    }));
  }

  std::optional<std::size_t> take(const std::string& visit, const std::string& visitor, bool valuable,
                                  std::int64_t now, std::optional<std::size_t> shown) {
    const auto takeable = [&](std::size_t number) {
      Place& place = places[number];
      const bool over = place.state == State::kHeld && hold_over(number, now);
      if (over && !place.draining && reserve_ > 0) place.state = State::kFree;  // and takes a permit
      const bool vacant = place.state == State::kFree || place.state == State::kHeld;
      return vacant && !place.draining && (place.state == State::kHeld || may_take_free(valuable, now));
    };
    // Of several former numbers one is tried.
    std::optional<std::size_t> own;
    bool may_fail = false;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const bool vacant = places[i].state == State::kHeld || places[i].state == State::kFree;
      if (!vacant || !owned_by(i, visit)) continue;
      const bool may = takeable(i);
      if (may && (!own || shown == i)) own = i;
      may_fail = may_fail || !may;
    }
    if (own && (!may_fail || own == shown)) return own;
    if (const auto hint = visitors_.find(visitor); !visitor.empty() && hint != visitors_.end()) {
      const Place& place = places[hint->second];
      const bool visitors = place.visitor_of_last && place.last->visitor == visitor && !place.last->disowned;
      if ((visitors || owned_by(hint->second, visit)) && takeable(hint->second)) return hint->second;
    }
    if (!may_take_free(valuable, now)) return std::nullopt;
    if (const auto next = next_in_order(now)) return next;
    std::optional<std::size_t> straggler;
    for (std::size_t number = 0; number < places.size(); ++number) {
      const Place& place = places[number];
      if (!place.apart || place.draining || !is_free(number, now)) continue;
      if (!straggler || shown == number) straggler = number;
    }
    return straggler;
  }

  std::optional<std::size_t> next_in_order(std::int64_t now) {
    const auto waits_outside = [&](std::size_t number) {
      const Place& place = places[number];
      return place.state == State::kFree && !place.queued && !place.draining;
    };
    for (auto& returned : returned_) {
      const auto number = std::exchange(returned, std::nullopt);
      if (number && waits_outside(*number)) return number;
    }
    while (fresh_ < places.size()) {
      if (waits_outside(fresh_++)) return fresh_ - 1;
    }
    while (!queue_.empty()) {
      const std::size_t number = queue_.front();
      Place& place = places[number];
      const bool vacant = place.state == State::kFree || place.state == State::kHeld;
      const bool waits = place.state == State::kHeld && !hold_over(number, now);
      if (waits && !place.stale) return std::nullopt;
      queue_.pop_front();
      const bool stale = std::exchange(place.stale, false);
      place.apart = vacant ? stale : place.apart;
      if (vacant && stale) {
        queue_.push_back(number);
        continue;
      }
      place.queued = false;
      if (!vacant) continue;
      if (!place.draining) return number;
      place.state = State::kFree;
    }
    return std::nullopt;
  }

  std::int64_t hold_;
  std::size_t reserve_;
  std::deque<std::size_t> queue_;                       // in the order they came to rest
  std::array<std::optional<std::size_t>, 4> returned_;  // before all others
  std::size_t fresh_ = 0;                               // the first never taken: before the queue
  std::map<std::string, std::size_t> visitors_;         // the number of a visitor's latest lease
  std::uint64_t tickets_ = 0;
};

}  // namespace ringtrace::pool::testing
