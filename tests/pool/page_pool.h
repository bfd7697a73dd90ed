#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "pool/number_pools.h"

namespace ringtrace::pool::testing {

/// The pool on one page: what a visit is told, and which number it gets, when whole operations come one after
/// another. One visit, one number; nobody else's before its hold is over; the longest idle first, but for the
/// visit's own former one. Numbers are 0 to n - 1, times milliseconds. (PlainPool has also what this leaves
/// out: visitors, reserves, numbers that come and go, and the queue's own order of those taken out of it.)
class PagePool {
 public:
  struct Place {
    std::string visit, reserved_by;  // visit: of the present or last lease, if it may come back
    std::uint64_t ticket = 0, reserved = 0;
    std::int64_t end = 0, reserved_end = 0;  // end: of the present or last lease, 0 when there was none
    bool leased = false;
  };
  struct Answer {
    ReserveOutcome outcome = ReserveOutcome::kFallback;
    std::size_t number = 0;
    std::uint64_t ticket = 0;
  };

  PagePool(std::size_t numbers, std::int64_t hold) : places(numbers), hold_(hold), idle_(numbers) {
    std::iota(idle_.begin(), idle_.end(), std::size_t{0});
  }

  Answer reserve(const std::string& visit, std::int64_t end, std::int64_t now) {
    settle(now);
    if (const auto n = find([&](const Place& p) { return p.reserved_by == visit; }))
      return {ReserveOutcome::kPending, *n, places[*n].reserved};
    if (const auto n = extend(visit, end, now)) return {ReserveOutcome::kHeld, *n, places[*n].ticket};
    const auto vacant = [](const Place& p) { return !p.leased && p.reserved_by.empty(); };
    auto n = find([&](const Place& p) { return vacant(p) && p.visit == visit; });
    if (!n) n = find([&](const Place& p) { return vacant(p) && !in_hold(p, now); });
    if (!n) return {};
    places[*n].reserved_by = visit;
    places[*n].reserved_end = end;
    return {ReserveOutcome::kReserved, *n, places[*n].reserved = ++tickets_};
  }
  bool commit(std::size_t n, std::uint64_t ticket, std::int64_t now) {
    settle(now);
    Place& p = places[n];
    if (p.reserved_by.empty() || p.reserved != ticket) return p.leased && p.ticket == ticket;
    p = {p.reserved_by, "", ticket, 0, p.reserved_end, 0, true};
    return true;
  }
  bool cancel(std::size_t n, std::uint64_t ticket) {
    if (places[n].reserved_by.empty() || places[n].reserved != ticket) return false;
    places[n].reserved_by.clear();
    return true;
  }
  bool hold_back(std::size_t n, std::uint64_t ticket, std::int64_t now) {
    settle(now);
    const bool lease = places[n].leased && places[n].ticket == ticket;
    if (lease) places[n].visit.clear();
    return (lease || cancel(n, ticket)) && rest(n, now);
  }
  std::optional<std::size_t> extend(const std::string& visit, std::int64_t end, std::int64_t now) {
    settle(now);
    const auto n = find([&](const Place& p) { return p.visit == visit && (p.leased || in_hold(p, now)); });
    if (!n || !places[*n].reserved_by.empty()) return std::nullopt;
    places[*n].leased = true;
    places[*n].end = std::max(places[*n].end, end);
    return n;
  }
  bool release(const std::string& visit, std::int64_t now) {
    settle(now);
    const auto n = find([&](const Place& p) { return p.leased && p.visit == visit; });
    return n && rest(*n, now);
  }
  void settle(std::int64_t now) {
    while (const auto n = find([&](const Place& p) { return p.leased && p.end <= now; }))
      rest(*n, places[*n].end);
  }

  std::vector<Place> places;

 private:
  bool in_hold(const Place& p, std::int64_t now) const { return p.end != 0 && p.end + hold_ > now; }
  template <typename Is>
  std::optional<std::size_t> find(Is is) const {
    const auto found = std::find_if(idle_.begin(), idle_.end(), [&](std::size_t n) { return is(places[n]); });
    return found == idle_.end() ? std::nullopt : std::optional(*found);
  }
  bool rest(std::size_t n, std::int64_t at) {
    places[n].leased = false;
    places[n].end = at;
    std::rotate(std::find(idle_.begin(), idle_.end(), n), std::find(idle_.begin(), idle_.end(), n) + 1,
                idle_.end());
    return true;
  }

  std::int64_t hold_;
  std::vector<std::size_t> idle_;  // all numbers, the longest idle first
  std::uint64_t tickets_ = 0;
};

}  // namespace ringtrace::pool::testing
