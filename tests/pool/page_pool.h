#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/pool/told.h"

namespace ringtrace::pool::testing {

/// The pool on a page: what may be answered when whole operations come one after another. A visit has one
/// number, a number is in one hand, and is nobody else's before its hold is over.
///
/// Which of the free numbers a visit gets is told. (That the longest idle comes first is seen to by
/// PlainPool, which has also visitors, reserves and numbers that come and go, and by the checker of
/// histories.)
struct PagePool {
  struct Place {
    Told lease;                    // whose it is, or was last; without a visit: who does not come back
    std::optional<Told> reserved;  // by whom
    bool leased = false;
    Time rests_until;

    bool is_vacant() const { return !leased && !reserved; }
    void rest(Time at, Duration span) { leased = false, lease.end = at, rests_until = at + span; }
  };
  std::vector<Place> places;
  Duration hold;

  /// Whether it may be answered so; it is done then.
  bool allows(const Told& told) {
    for (Place& place : places)
      if (place.leased && place.lease.end <= told.now) place.rest(place.lease.end, hold);
    Place& shown = places[told.ticket.slot];
    const bool leased = shown.leased && shown.lease.ticket == told.ticket;
    const bool reserved = shown.reserved && shown.reserved->ticket == told.ticket;
    switch (told.operation) {
      case Told::kReserve:
        return reserve(told, shown, reserved);
      case Told::kCommit:
        if (reserved) shown = {*shown.reserved, {}, true, {}};
        return told.done == (reserved || leased);
      case Told::kCancel:
        if (reserved) shown.reserved.reset();
        return told.done == reserved;
      case Told::kHoldBack:
        if (leased || reserved) shown.reserved.reset(), shown.rest(told.now, hold), shown.lease.visit.clear();
        return told.done == (leased || reserved);
      case Told::kRenew:
      case Told::kRenewLonger:
        return renew(told) == (told.done ? &shown : nullptr) &&
               (!told.done || shown.lease.end == told.granted);
      case Told::kRelease:
        return release(told) == (told.done ? &shown : nullptr);
      default:  // time passes
        return true;
    }
  }

 private:
  bool reserve(const Told& told, Place& shown, bool reserved) {
    for (const Place& place : places)
      if (place.reserved && place.reserved->visit == told.visit)
        return told.outcome == ReserveOutcome::kPending && reserved && &shown == &place;
    if (const Place* const own = renew(told))
      return told.outcome == ReserveOutcome::kHeld && own == &shown && own->lease.ticket == told.ticket &&
             own->lease.end == told.granted;
    const auto free = [&](const Place& place) { return place.is_vacant() && place.rests_until <= told.now; };
    if (told.outcome != ReserveOutcome::kReserved)
      return told.outcome == ReserveOutcome::kFallback && std::none_of(places.begin(), places.end(), free);
    if (free(shown)) return shown.reserved = told, true;
    return false;
  }

  /// The number whose lease goes on, from its hold too.
  Place* renew(const Told& told) {
    for (Place& place : places) {
      const bool is_held = place.is_vacant() && place.rests_until > told.now;
      if (place.lease.visit != told.visit || !(place.leased || is_held)) continue;
      place.leased = true;
      place.lease.end = std::max(place.lease.end, told.end);
      return &place;
    }
    return nullptr;
  }

  Place* release(const Told& told) {
    for (Place& place : places)
      if (place.leased && place.lease.visit == told.visit) return place.rest(told.now, hold), &place;
    return nullptr;
  }
};

}  // namespace ringtrace::pool::testing
