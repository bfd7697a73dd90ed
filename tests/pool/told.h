#pragma once

#include <array>
#include <string>

#include "pool/number_pools.h"

namespace ringtrace::pool::testing {

/// An operation on a pool, and what was answered.
struct Told {
  enum Operation : char {
    kReserve = 'r',
    kCommit = 'c',
    kCancel = 'x',
    kHoldBack = 'h',
    kRenew = 'n',
    kRenewLonger = 'N',  // twice as long
    kRelease = 'e',
    kAdvance = 'a',
  };

  Operation operation = kAdvance;
  std::string visit;
  Time now, end;
  Ticket ticket;  // given to the operation, or by it
  ReserveOutcome outcome = ReserveOutcome::kRefused;
  bool done = true;
  Time granted;  // until when, of a lease that goes on
};

/// Has the pool do an operation. `last`: the ticket of the visit's latest reservation.
template <typename Pool>
Told tell(Pool& pool, Told::Operation operation, const std::string& visit, Time now, Time end,
          const Ticket& last) {
  Told told{operation, visit, now, end, last, ReserveOutcome::kRefused, true, {}};
  const auto of = [&told](const auto& lease) {
    told.done = lease.has_value();
    told.ticket = lease ? lease->ticket : Ticket{};
    if (lease) told.granted = lease->expire;
  };
  switch (operation) {
    case Told::kReserve: {
      const Reservation made = pool.reserve({visit, "", "", ""}, end - now, AdmissionClass::kNormal, now);
      told.outcome = made.outcome;
      told.granted = made.expire;
      told.ticket = made.ticket;
      break;
    }
    case Told::kCommit:
      told.done = pool.commit(last, true, now);
      break;
    case Told::kCancel:
      told.done = pool.cancel(last, now);
      break;
    case Told::kHoldBack:
      told.done = pool.hold_back(last, now);
      break;
    case Told::kRenewLonger:
      told.end = end + (end - now);
      [[fallthrough]];
    case Told::kRenew:
      of(pool.renew(visit, told.end, now));
      break;
    case Told::kRelease:
      of(pool.release(visit, now));
      break;
    case Told::kAdvance: {
      std::array<LeaseView, 4> ended;
      pool.advance(now, ended);
    }
  }
  return told;
}

}  // namespace ringtrace::pool::testing
