#pragma once

#include <cstdint>
#include <string>

#include "tests/pool/plain_pool.h"
#include "tests/pool/pool_fixture.h"

namespace ringtrace::pool::testing {

/// The plain pool under one lock made of one atomic: right in what it does, and what the tests of progress
/// must fail on. `patience`: tries of the lock after which an operation gives up, so that a test goes on.
template <template <class> class Atom>
class LockedPool {
 public:
  LockedPool(std::size_t numbers, std::int64_t hold, std::uint64_t patience = ~std::uint64_t{0})
      : plain_(numbers, hold, 0), patience_(patience) {}

  Reservation reserve(const VisitView& visit, Duration ttl, AdmissionClass, Time now) {
    Reservation answer;
    if (!lock()) return answer;
    const auto plain = plain_.reserve(std::string(visit.visit_id), std::string(visit.visitor_id), false,
                                      ttl.count(), now.time_since_epoch().count());
    locked_.store(false);
    answer.outcome = plain.outcome;
    answer.number = number(plain.number);
    answer.ticket = {PoolIndex{0}, static_cast<std::uint32_t>(plain.number), plain.ticket};
    return answer;
  }

  bool commit(const Ticket& ticket, bool, Time now) {
    if (!lock()) return false;
    const bool done = plain_.commit(ticket.slot, ticket.generation, now.time_since_epoch().count());
    locked_.store(false);
    return done;
  }

  bool release(std::string_view visit, Time now) {
    if (!lock()) return false;
    const auto done = plain_.release(std::string(visit), now.time_since_epoch().count());
    locked_.store(false);
    return done.has_value();
  }

 private:
  bool lock() {
    for (std::uint64_t tries = 0; tries < patience_; ++tries) {
      if (!locked_.exchange(true)) return true;
    }
    return false;
  }

  PlainPool plain_;
  const std::uint64_t patience_;
  Atom<bool> locked_{};
};

}  // namespace ringtrace::pool::testing
